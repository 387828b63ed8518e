"""The registered dataset cards."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_files import card_file, load_point
from workbench.datasets.card_reading import read_card
from workbench.errors import CardError, WorkbenchError
from workbench.registry import Registry


@dataclass(frozen=True)
class RegisteredCard:
    """A card of an installed distribution.

    Attributes:
        card: The card.
        folder: Where its file is, for data that lies beside it; None for a card written in Python.
    """

    card: DatasetCard
    folder: Path | None


def _to_card(loaded: Any, point: EntryPoint) -> RegisteredCard:
    """An entry's value is the package that holds `NAME.toml`, or an attribute that is a card or a path to one."""
    if isinstance(loaded, DatasetCard):
        registered = RegisteredCard(loaded, None)
    elif isinstance(loaded, str | Path):
        registered = RegisteredCard(read_card(Path(loaded)), Path(loaded).resolve().parent)
    elif isinstance(loaded, list) and loaded:
        path = card_file(loaded, point.name)
        registered = RegisteredCard(read_card(path), path.parent)
    else:
        raise CardError(
            f"dataset {point.name!r}: entry point {point.value!r} must name the package that holds {point.name}.toml, "
            "or an attribute that is a path or a DatasetCard."
        )
    if registered.card.name != point.name:
        raise CardError(f"dataset {point.name!r}: its card says name = {registered.card.name!r}.")
    return registered


cards: Registry[RegisteredCard] = Registry("workbench.datasets", "dataset", _to_card, load=load_point)
"""All registered cards."""


@dataclass(frozen=True)
class CardListing:
    """One registered card, or why it cannot be used.

    Attributes:
        name: The dataset's name.
        provider: Distribution and version.
        card: The card; None where it cannot be used.
        problem: Why it cannot.
    """

    name: str
    provider: str
    card: DatasetCard | None
    problem: str | None = None


def list_cards() -> list[CardListing]:
    """Every registered card, by name; a broken one carries its reason instead."""
    return [_listing(entry.name, entry.provider) for entry in cards.listing()]


def _listing(name: str, provider: str) -> CardListing:
    try:
        return CardListing(name, provider, cards.get(name).card)
    except WorkbenchError as error:
        return CardListing(name, provider, None, str(error))
