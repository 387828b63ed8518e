"""Registered cards as `workbench list datasets` shows them: some keys of their files, read without the rest.

Validating forty cards takes longer than a list may. Whether a card can be used is said where it is used, by
`workbench list datasets --probe`, and by `workbench doctor`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from workbench.datasets.card_files import card_file, card_values, load_point
from workbench.errors import CardError, WorkbenchError
from workbench.registry import Registry

if TYPE_CHECKING:
    from workbench.datasets.card import DatasetCard

FIELD, LICENCE, LANGUAGE = "unspecified", "unknown", "en"
"""What a card is taken to say that says nothing."""


@dataclass(frozen=True)
class Heading:
    """What a list shows of a card.

    Attributes:
        field: Its field.
        task: Its task.
        languages: Its languages, its own first.
        source: The kind of its source.
        verified: Whether its source has been read by the card as it stands.
        licence: Of the data.
    """

    field: str
    task: str
    languages: tuple[str, ...]
    source: str
    verified: bool
    licence: str


def heading_of(card: "DatasetCard") -> Heading:
    """The heading of a validated card."""
    languages = (card.language, *(name for name in card.languages if name != card.language))
    return Heading(card.field, card.task, languages, card.source.type, card.verified, card.licence)


def _to_heading(loaded: Any, point: EntryPoint) -> Heading:
    if isinstance(loaded, list) and loaded:
        values = card_values(card_file(loaded, point.name))
        if values.get("name") != point.name:
            raise CardError(f"dataset {point.name!r}: its card says name = {values.get('name')!r}.")
        heading = _from_values(values)
        if heading is not None:
            return heading
    from workbench.datasets.catalogue import cards

    return heading_of(cards.get(point.name).card)


def _from_values(values: Mapping[str, Any]) -> Heading | None:
    """The heading in a file's values; None where it takes a validated card to know it."""
    source, languages = values.get("source"), values.get("languages", {})
    kind = source.get("type") if isinstance(source, dict) else None
    own = values.get("language", LANGUAGE)
    texts = [values.get("field", FIELD), values.get("task"), kind, values.get("licence", LICENCE), own]
    verified = values.get("verified", True)
    if not all(isinstance(text, str) for text in texts) or not isinstance(languages, dict):
        return None
    field, task, kind, licence, own = texts
    return Heading(field, task, tuple(dict.fromkeys((own, *languages))), kind, verified is True, licence)


headings: Registry[Heading] = Registry("workbench.datasets", "dataset", _to_heading, load=load_point)
"""The heading of each registered card."""


@dataclass(frozen=True)
class HeadingListing:
    """One line of `workbench list datasets`.

    Attributes:
        name: The dataset's name.
        provider: Distribution and version.
        heading: None where the card cannot be read.
        problem: Why it cannot.
    """

    name: str
    provider: str
    heading: Heading | None
    problem: str | None = None


def list_headings() -> list[HeadingListing]:
    """Every registered card, by name; one that cannot be read carries its reason instead."""
    return [_listing(entry.name, entry.provider) for entry in headings.listing()]


def _listing(name: str, provider: str) -> HeadingListing:
    try:
        return HeadingListing(name, provider, headings.get(name))
    except WorkbenchError as error:
        return HeadingListing(name, provider, None, str(error))
