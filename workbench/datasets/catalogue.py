"""The registered dataset cards."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.datasets.card import DatasetCard, read_card
from workbench.errors import CardError, WorkbenchError
from workbench.registry import Registry


def _to_card(loaded: Any, point: EntryPoint) -> DatasetCard:
    """An entry's value is the package that holds `NAME.toml`, or an attribute that is a card or a path to one."""
    if isinstance(loaded, DatasetCard):
        return loaded
    if isinstance(loaded, str | Path):
        return read_card(Path(loaded))
    folders = getattr(loaded, "__path__", None)
    if folders:
        return read_card(Path(next(iter(folders))) / f"{point.name}.toml")
    raise CardError(
        f"dataset {point.name!r}: entry point {point.value!r} must name the package that holds {point.name}.toml, "
        "a path, or a DatasetCard."
    )


cards: Registry[DatasetCard] = Registry("workbench.datasets", "dataset", _to_card)
"""All registered cards."""


@dataclass(frozen=True)
class CardListing:
    """One line of `workbench list datasets`."""

    name: str
    provider: str
    card: DatasetCard | None
    problem: str | None = None


def list_cards() -> list[CardListing]:
    """Every registered card; a broken one carries its reason instead."""
    found = []
    for entry in cards.listing():
        card, problem = None, entry.problem
        if problem is None:
            try:
                card = cards.get(entry.name)
            except WorkbenchError as error:
                problem = str(error)
        found.append(CardListing(entry.name, entry.provider, card, problem))
    return found


def card_folder(name: str) -> Path | None:
    """The folder that holds a registered card's file, for data that lies beside it."""
    point = next(point for point in cards._points[name])
    spec = find_spec(point.module)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else None
