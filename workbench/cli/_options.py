"""Options that several commands share."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from workbench.settings import Settings
    from workbench.tracking import Store

F = TypeVar("F", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings_options(*names: str) -> Callable[[F], F]:
    """Options that override settings; the command receives them under their own names."""
    known = {
        "cache": click.option(
            "--cache", type=click.Path(path_type=Path), help="Folder of features and generated data [WORKBENCH_CACHE]."
        ),
        "features": click.option(
            "--features", metavar="ADDRESS", help="Feature store in an object store, s3://... [WORKBENCH_FEATURES]."
        ),
        "data": click.option(
            "--data", type=click.Path(path_type=Path), help="Where local data lives [WORKBENCH_DATA]."
        ),
        "tracking_uri": click.option("--tracking-uri", help="MLflow store [MLFLOW_TRACKING_URI; default ./runs]."),
        "device": click.option("--device", help="auto, cpu, cuda or cuda:n [WORKBENCH_DEVICE]."),
        "precision": click.option(
            "--precision", type=click.Choice(["auto", "fp32", "bf16", "fp16"]), help="[WORKBENCH_PRECISION]"
        ),
        "preprocessing": click.option(
            "--preprocessing",
            type=click.Choice(["fast", "reference"]),
            help="fast, or the model's own transform [WORKBENCH_PREPROCESSING].",
        ),
        "max_unreadable": click.option(
            "--max-unreadable", type=float, help="Share of a split that may be unreadable (default 0.01)."
        ),
        "hash_ids": click.option(
            "--hash-ids",
            is_flag=True,
            default=None,
            help="Record pseudonyms in place of ids, groups and names of files [WORKBENCH_HASH_IDS].",
        ),
    }

    def decorate(function: F) -> F:
        for name in reversed(names):
            function = known[name](function)
        return function

    return decorate


def check_known(flag: str, values: Iterable[str], known: Iterable[str], lacking: str) -> None:
    """Refuse values that a filter cannot find, since an empty answer would pass for a result.

    Args:
        flag: The filter.
        values: Its values.
        known: Values that occur.
        lacking: The reason in the message, for example `no run is on it`.

    Raises:
        WorkbenchError: A value is not known; names the flag and the nearest known value, or all of them.
    """
    from workbench.errors import WorkbenchError
    from workbench.registry import closest

    names = sorted(set(known))
    for value in values:
        if value not in names:
            hint = closest(value, names) or f" Known: {', '.join(names)}."
            raise WorkbenchError(f"{flag} {value}: {lacking}.{hint}")


def opened_store(settings: "Settings") -> "Store":
    """The settings' store; runs in its spool are sent first, and abandoned runs are closed."""
    from workbench.tracking import close_abandoned_before, open_store, sync_before

    store = open_store(settings)
    close_abandoned_before(store)
    sync_before(store, lambda sentence: click.echo(sentence, err=True))
    return store


def load_settings(**flags: Any) -> "Settings":
    """Settings with the command's flags on top."""
    from workbench.settings import Settings

    return Settings.load(**flags)
