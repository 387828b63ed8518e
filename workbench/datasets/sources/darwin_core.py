"""Observations of species with photos on the disk: Darwin Core Archives, tables of GBIF and iNaturalist."""

import hashlib
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SourceTable
from workbench.datasets.sources._base import Record
from workbench.datasets.sources._dwc_archive import open_download
from workbench.datasets.sources._dwc_media import LocalImages
from workbench.datasets.sources._dwc_rows import Observations
from workbench.datasets.sources._files import FileSource
from workbench.datasets.sources._locate import Locator
from workbench.datasets.walking import list_folder, scan, some, unread_types
from workbench.errors import DataError
from workbench.formatting import counted


class DarwinCoreTable(SourceTable):
    """A Darwin Core Archive, packed or not, or a table of GBIF or iNaturalist. Nothing is downloaded.

    The columns are the ranks (`kingdom`, `phylum`, `class`, `order`, `family`, `genus`, `species`), `scientificName`,
    `vernacularName`, and all others that the tables have.

    Attributes:
        path: The archive, the folder that it unpacks to, or the table.
        root: Folder of the photos; by default that of the tables.
    """

    type: Literal["darwin-core"]
    path: str
    root: str | None = None


class DarwinCoreReader(FileSource):
    """Joins tables of observations with photos by the names that these were saved under.

    Args:
        card: The card.
        place: Finds the files that its table names.
    """

    Table: ClassVar[type[SourceTable]] = DarwinCoreTable

    def __init__(self, card: DatasetCard, place: Locator) -> None:
        table = card.source
        assert isinstance(table, DarwinCoreTable)
        self._card = card
        paths = place.find_all(table.path)
        first = paths[0] if paths[0].is_dir() else paths[0].parent
        root = place.find(table.root) if table.root is not None else first
        if not root.is_dir():
            raise DataError(f"{root}: is not a folder, although source.root of the card names it for the photos.")
        self._downloads = [open_download(path) for path in paths]
        super().__init__(root, [file for download in self._downloads for file in download.files])

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> Self:
        """See `Source.open`."""
        return cls(card, place)

    def state(self, files: Sequence[str]) -> str:
        """See `Source.state`; a photo that was downloaded since must show, so the folder is listed."""
        digest = hashlib.sha256(super().state(files).encode())
        for name, size, modified in sorted(scan(self.root)):
            digest.update(f"{name}\0{size}\0{modified}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def records(self) -> list[Record]:
        """See `Source.records`."""
        listing = list_folder(self.root)
        records: list[Record] = []
        notes: list[str] = []
        named: set[str] = set()
        for download in self._downloads:
            observations = Observations(self._card, download, LocalImages(listing.images))
            records += observations.records()
            notes += observations.notes(self.root)
            named |= observations.files
        if not records:
            raise DataError(f"{self._index_files[0]}: {' '.join(['no photo is left that the card asks for.', *notes])}")
        if strangers := [name for name in listing.images if name not in named]:
            tables = some([download.core.name for download in self._downloads])
            notes.append(
                f"Left out: {counted(len(strangers), 'image')} of no observation of {tables} ({some(strangers)})."
            )
        own = {*self._index_files, *(file for download in self._downloads for file in download.known)}
        notes += unread_types([name for name in listing.others if self.root / name not in own])
        self.notes = tuple(notes)
        return records
