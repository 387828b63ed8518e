"""Image folders: class sub-folders, or files beside a `metadata.csv` / `metadata.jsonl`."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SourceTable
from workbench.datasets.images import IMAGE_SUFFIXES
from workbench.datasets.sources._base import Location, Record
from workbench.datasets.sources._class_folders import refuse_columns
from workbench.datasets.sources._columns import text
from workbench.datasets.sources._files import FileSource, relative
from workbench.datasets.sources._layout import (
    holds_splits,
    metadata_files,
    refuse_two_levels,
    split_folders,
    unread_files,
)
from workbench.datasets.sources._locate import Locator
from workbench.datasets.sources.table import split_of_paths, table_records
from workbench.datasets.walking import FolderListing, list_folder, scan, sub_folders, unread_types
from workbench.errors import DataError

METADATA_COLUMNS = ("image", "label", "caption", "group", "split")
"""Roles whose columns a metadata file gives by their usual names."""


class FolderTable(SourceTable):
    """Class sub-folders, with or without train/ val/ test/ above or below them, or files beside `metadata.csv`.

    Attributes:
        path: The folder.
        class_folder: Where folders are two levels deep, which is the class: the `upper`, the `lower` that the image
            lies in, or both, joined by a space (`path`). Without it such a folder is refused. With `none` images have
            no class, at whatever depth they lie.
    """

    type: Literal["folder"]
    path: str
    class_folder: Literal["upper", "lower", "path", "none"] | None = None


class FolderReader(FileSource):
    """Reads a folder in either layout; metadata files win over class sub-folders.

    A sub-folder with a split's name is a split if it holds folders or a metadata file, and otherwise a class. Hidden
    files and folders are left out, and so are those that systems leave behind.

    Args:
        card: Says what columns and splits are called.
        root: The folder.
    """

    Table: ClassVar[type[SourceTable]] = FolderTable

    def __init__(self, card: DatasetCard, root: Path) -> None:
        if not root.is_dir():
            raise DataError(f"dataset {card.name!r}: {root} is not a folder.")
        super().__init__(root)
        self._card = card
        # Here and not in `records`, which a manifest in the cache spares.
        if getattr(card.source, "class_folder", None) != "none" and not metadata_files(root, card.splits):
            refuse_columns(card, root)

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> Self:
        """See `Source.open`."""
        table = card.source
        assert isinstance(table, FolderTable)
        return cls(card, place.find(table.path))

    def state(self, files: Sequence[str]) -> str:
        """See `Source.state`; a new file must show, so the folder is listed."""
        digest = hashlib.sha256()
        listed = set()
        for name, size, modified in sorted(scan(self.root)):
            listed.add(name)
            digest.update(f"{name}\0{size}\0{modified}\n".encode(errors="surrogateescape"))
        # A metadata file may name images that lie elsewhere.
        for name in sorted(set(files) - listed):
            digest.update(f"{name}\0{self.stamp(name)}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def records(self) -> list[Record]:
        """See `Source.records`."""
        if getattr(self._card.source, "class_folder", None) == "none":
            return self._without_classes()
        tables = metadata_files(self.root, self._card.splits)
        tops = [] if tables else split_folders(self.root, self._card.splits)
        notes: list[str] = []
        records = self._from_tables(tables, notes) if tables else list(self._from_folders(tops or [self.root]))
        if not records:
            suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
            raise DataError(
                f"{self.root}: no images found; expected class sub-folders (with or without train/ val/ test/ above "
                f"them) or a metadata.csv with the columns file_name and label. Image files end in {suffixes}."
            )
        read = {record.location.file for record in records}
        names = [relative(path, self.root) for path in tables]
        named = [name for name in (*self._card.splits.files, self._card.prompts.descriptions_file) if name]
        notes += unread_files(list_folder(self.root), read, names, [top.name for top in tops], self.root, named)
        self.notes = tuple(notes)
        return records

    def _without_classes(self) -> list[Record]:
        listing = list_folder(self.root)
        self.notes = tuple(unread_types(listing.others))
        if not listing.images:
            raise DataError(
                f"{self.root}: no image files found (their names end in {', '.join(sorted(IMAGE_SUFFIXES))})."
            )
        return [Record(name, Location(name)) for name in listing.images]

    def _from_tables(self, tables: list[Path], notes: list[str]) -> list[Record]:
        records: list[Record] = []
        for path in tables:
            above = None if path.parent == self.root else path.parent.name
            prefix = f"{above}/" if above else ""
            records += table_records(self._card, path, above, prefix=prefix, usual=METADATA_COLUMNS, notes=notes)
        return split_of_paths(records, self._card, notes)

    def _from_folders(self, tops: Sequence[Path]) -> Iterator[Record]:
        listings = {folder: list_folder(folder) for top in tops for folder in sub_folders(top)}
        way = getattr(self._card.source, "class_folder", None)
        filled = [listing for listing in listings.values() if listing.images]
        with_splits = bool(filled) and tops == [self.root] and all(self._holds_splits(listing) for listing in filled)
        if not with_splits and way is None:
            refuse_two_levels(self.root, listings)
        for folder, listing in listings.items():
            above = None if folder.parent == self.root else folder.parent.name
            for file in listing.images:
                name = f"{relative(folder, self.root)}/{file}"
                split = file.partition("/")[0] if with_splits else above
                yield Record(name, Location(name), (_class_of(folder, file, None if with_splits else way),), split)

    def _holds_splits(self, listing: FolderListing) -> bool:
        return holds_splits(listing, self._card.splits)


def _class_of(folder: Path, file: str, way: str | None) -> str:
    """The class of an image below a class folder."""
    inner = file.split("/")[:-1]
    names = {"lower": [folder.name, *inner][-1:], "path": [folder.name, *inner]}.get(way or "", [folder.name])
    name = " ".join(names)
    return text(name) or name
