"""From TOML to a card: each task has a class of cards with its own columns and rules."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_files import card_values
from workbench.datasets.card_sources import table_class
from workbench.errors import CardError, UnknownNameError, WorkbenchError
from workbench.inputs import parse_toml
from workbench.registry import Registry
from workbench.validation import explain


def _is_task(loaded: Any, point: EntryPoint) -> type[DatasetCard]:
    card = getattr(loaded, "Card", None)
    if card is None:
        raise CardError(f"task {point.name!r} has no cards: it is no task on datasets.")
    if not (isinstance(card, type) and issubclass(card, DatasetCard)):
        raise CardError(f"task {point.name!r}: {point.value} has no `Card`, a subclass of DatasetCard.")
    return card


card_classes: Registry[type[DatasetCard]] = Registry("workbench.tasks", "task", _is_task)
"""The card of each installed task."""


@cache
def _known_cards() -> list[tuple[str, type[DatasetCard]]]:
    """Cards with their tasks' names; those of broken plug-ins are left out."""
    cards = []
    for name in card_classes.names():
        with suppress(WorkbenchError):
            cards.append((name, card_classes.get(name)))
    return cards


def task_of_folder(columns: Collection[str]) -> str:
    """The task of a folder without a card, by the columns that its images have: labels before captions."""
    by_column = {card.folder_column: name for name, card in _known_cards() if card.folder_column}
    return next(by_column[column] for column in ("label", "caption", *columns) if column in columns)


def make_card(values: Mapping[str, Any]) -> DatasetCard:
    """Validate the values of a card, by the rules of its task.

    Raises:
        ValidationError: Pydantic's, of the task's card.
        CardError: The task is not installed.
    """
    task = values.get("task")
    if task is None:
        task = next(name for name, card in _known_cards() if card.is_default)
    if not isinstance(task, str):
        raise CardError(f"task: expected a name, got {task!r}.")
    try:
        card = card_classes.get(task)
    except UnknownNameError as error:
        names = ", ".join(name for name, _ in _known_cards())
        raise CardError(f"task: {str(error).rstrip('.')}. Tasks are: {names}.") from error
    return card.model_validate({**values, "task": task})


def card_class_of(values: Mapping[str, Any]) -> type[DatasetCard]:
    """The class that `make_card` validates values by."""
    default = next(card for _, card in _known_cards() if card.is_default)
    return dict(_known_cards()).get(str(values.get("task")), default)


def parse_card(text: str, origin: str) -> DatasetCard:
    """Validate a card.

    Args:
        text: TOML.
        origin: File or package that the text came from, for messages.

    Raises:
        CardError: Names `origin`, the key, what was expected, and the nearest known key for a typo.
    """
    return _checked(parse_toml(text, origin, CardError), origin)


def read_card(path: Path) -> DatasetCard:
    """Read and validate a card file, which may extend another; see `card_values`.

    Raises:
        CardError: As `parse_card`, or the card that it extends cannot be used.
    """
    return _checked(card_values(path), str(path))


def _checked(values: Mapping[str, Any], origin: str) -> DatasetCard:
    try:
        return make_card(values)
    except CardError as error:
        raise CardError(f"{origin}: {error}") from error
    except ValidationError as error:
        raise CardError(f"{origin}: {explain(error, card_class_of(values), _chosen(values))}") from error


def _chosen(values: Mapping[str, Any]) -> dict[str, type[BaseModel]]:
    """The model that checks the table `[source]`, by its `type`."""
    with suppress(ValidationError):
        return {"source": table_class(values.get("source"))}
    return {}
