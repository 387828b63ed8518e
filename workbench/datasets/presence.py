"""Whether a dataset is on this machine, so that nothing has to be downloaded for it."""

from pathlib import Path

from workbench.datasets.card import kind_of
from workbench.datasets.opening import resolve_card
from workbench.errors import MissingDataError
from workbench.models.reachability import hub_cache


def check_present(argument: str) -> None:
    """Refuse a card that is not there, and a dataset of the hub that would have to be downloaded.

    Of other sources, opening says whether they are here.

    Args:
        argument: A dataset argument.

    Raises:
        MissingDataError: It is not here; says what brings it.
        WorkbenchError: There is no such card, or it cannot be used.
    """
    if ("/" in argument or argument.endswith(".toml")) and not Path(argument).expanduser().exists():
        raise MissingDataError(f"dataset {argument!r}: no such folder or card file.")
    card, beside = resolve_card(argument)
    repository = getattr(card.source, "id", None)
    if not repository or not kind_of(card).downloads(card.source) or ((beside or Path()) / repository).is_dir():
        return
    if not any(place.is_dir() for place in hub_places(repository)):
        raise MissingDataError(
            f"dataset {argument!r}: {repository} is not on this machine; `workbench fetch --dataset {argument}` "
            "brings it."
        )


def hub_places(repository: str) -> list[Path]:
    """Folders in which huggingface_hub and datasets keep a dataset `ORG/NAME` of the hub; they need not be there."""
    return [
        hub_cache() / f"datasets--{repository.replace('/', '--')}",
        hub_cache().parent / "datasets" / repository.replace("/", "___"),
    ]
