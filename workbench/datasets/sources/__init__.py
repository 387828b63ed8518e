"""Where images and labels come from: one file for each kind of source."""

from collections.abc import Callable
from pathlib import Path

from workbench.datasets.card import DatasetCard
from workbench.datasets.sources._base import Record, Source
from workbench.settings import Settings

__all__ = ["Record", "Source", "open_source"]


def open_source(card: DatasetCard, base: Path | None, settings: Settings) -> Source:
    """The source that a card names.

    Args:
        card: The card.
        base: Folder of the card file, against which relative paths are tried first; None for a packaged card.
        settings: Gives `data`, against which they are tried next, and `cache` for generated data.

    Raises:
        DataError: The data is not where the card says.
    """
    from workbench.datasets.sources import folder, generator, hub, parquet, table, webdataset
    from workbench.datasets.sources._locate import Locator

    locate = Locator(card.name, base, settings.data)
    kinds: dict[str, Callable[[DatasetCard, Locator], Source]] = {
        "folder": folder.FolderReader,
        "csv": table.TableReader,
        "jsonl": table.TableReader,
        "parquet": parquet.ParquetReader,
        "webdataset": webdataset.WebDatasetReader,
    }
    if card.source.type == "hub":
        return hub.HubReader(card, base)
    if card.source.type == "generator":
        return folder.FolderReader(card, Locator(card.name, None, generator.generated(card, settings.cache)))
    return kinds[card.source.type](card, locate)
