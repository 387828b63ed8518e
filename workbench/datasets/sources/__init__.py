"""Sources of images and labels: one file for each kind of source, and the registry of kinds.

The file of a kind has its table of the card and its reader.
"""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.datasets.card_sources import SourceTable
from workbench.datasets.sources._base import Location, Record, Source
from workbench.datasets.sources._files import FileSource
from workbench.datasets.sources._guard import blamed, read_from
from workbench.datasets.sources._locate import Locator
from workbench.datasets.sources._record_columns import RecordColumns
from workbench.errors import DataError
from workbench.registry import Registry
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.datasets.card import DatasetCard

__all__ = [
    "FileSource",
    "Location",
    "Locator",
    "Record",
    "RecordColumns",
    "Source",
    "SourceTable",
    "blamed",
    "open_source",
    "read_from",
    "sources",
]


def _is_source(loaded: Any, point: EntryPoint) -> type[Source]:
    if not (isinstance(loaded, type) and issubclass(loaded, Source)):
        raise DataError(f"source {point.name!r}: {point.value} is not a subclass of workbench.plugin.Source.")
    table = getattr(loaded, "Table", None)
    if not (isinstance(table, type) and issubclass(table, SourceTable)):
        raise DataError(
            f"source {point.name!r}: {point.value} needs a class variable Table, a subclass of "
            "workbench.plugin.SourceTable with the keys of a card's [source]."
        )
    missing = sorted(getattr(loaded, "__abstractmethods__", ()))
    if missing:
        lack = ", ".join(missing)
        raise DataError(f"source {point.name!r}: {point.value} lacks {lack} (see workbench.plugin.Source).")
    return loaded


sources: Registry[type[Source]] = Registry("workbench.sources", "source", _is_source)
"""All installed kinds of source, by the `source.type` of cards."""


def open_source(card: "DatasetCard", base: Path | None, settings: Settings) -> Source:
    """The source that a card names.

    Args:
        card: The card.
        base: Folder of the card file, against which relative paths are tried first; None for a packaged card.
        settings: Gives `data`, against which they are tried next, and `cache` for generated data.

    Raises:
        DataError: The data is not where the card says.
    """
    reader = sources.get(card.source.type)
    with blamed(reader, f"open dataset {card.name!r}"):
        return reader.open(card, Locator(card.name, base, settings.data, settings.cache))
