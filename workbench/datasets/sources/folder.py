"""Image folders: class sub-folders, or files beside a `metadata.csv` / `metadata.jsonl`."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SourceTable
from workbench.datasets.card_tables import Splits
from workbench.datasets.images import IMAGE_SUFFIXES, is_image_file
from workbench.datasets.roles import role_of
from workbench.datasets.sources._base import Location, Record
from workbench.datasets.sources._class_folders import refuse_columns
from workbench.datasets.sources._columns import text
from workbench.datasets.sources._files import FileSource, relative
from workbench.datasets.sources._locate import Locator
from workbench.datasets.sources.table import table_records
from workbench.errors import DataError

METADATA_NAMES = ("metadata.csv", "metadata.jsonl")
METADATA_COLUMNS = ("image", "label", "caption", "group", "split")
"""Roles whose columns a metadata file gives by their usual names."""


class FolderTable(SourceTable):
    """Class sub-folders, with or without train/ val/ test/ above them, or files beside `metadata.csv` / `.jsonl`."""

    type: Literal["folder"]
    path: str


class FolderReader(FileSource):
    """Reads a folder in either layout; metadata files win over class sub-folders.

    A sub-folder with a split's name is a split if it holds folders or a metadata file, and otherwise a class. Images at
    any depth below a class folder are of that class. Hidden files and folders are left out.

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
        if not metadata_files(root, card.splits):
            refuse_columns(card, root)

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> Self:
        """See `Source.open`."""
        table = card.source
        assert isinstance(table, FolderTable)
        return cls(card, place.find(table.path))

    def state(self, files: Sequence[str]) -> str:  # noqa: ARG002 - a new file must show, so the folder is listed
        """See `Source.state`."""
        digest = hashlib.sha256()
        for name, size, modified in sorted(_scan(self.root, "")):
            digest.update(f"{name}\0{size}\0{modified}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def records(self) -> list[Record]:
        """See `Source.records`."""
        tables = metadata_files(self.root, self._card.splits)
        records = list(self._from_tables(tables) if tables else self._from_folders())
        if not records:
            suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
            raise DataError(
                f"{self.root}: no images found; expected class sub-folders (with or without train/ val/ test/ above "
                f"them) or a metadata.csv with the columns file_name and label. Image files end in {suffixes}."
            )
        return records

    def _from_tables(self, tables: list[Path]) -> Iterator[Record]:
        for path in tables:
            above = None if path.parent == self.root else path.parent.name
            prefix = f"{above}/" if above else ""
            yield from table_records(self._card, path, above, prefix=prefix, usual=METADATA_COLUMNS)

    def _from_folders(self) -> Iterator[Record]:
        for top in split_folders(self.root, self._card.splits) or [self.root]:
            for folder in sub_folders(top):
                label = text(folder.name) or folder.name
                for file in image_files(folder):
                    name = f"{relative(folder, self.root)}/{file}"
                    yield Record(name, Location(name), (label,), None if top == self.root else top.name)


def metadata_files(root: Path, splits: Splits | None = None) -> list[Path]:
    """The metadata file of a folder, or those of its split folders.

    Raises:
        DataError: Some split folders have one and others do not.
    """
    root_file = _metadata(root)
    if root_file:
        return [root_file]
    folders = split_folders(root, splits)
    files = [path for path in map(_metadata, folders) if path]
    if files and len(files) < len(folders):
        without = next(folder for folder in folders if _metadata(folder) is None)
        raise DataError(f"{without}: has no {files[0].name}, although {files[0].parent.name} has one.")
    return files


def split_folders(root: Path, splits: Splits | None = None) -> list[Path]:
    """Sub-folders that are splits: a class, too, may be called train, but then it holds images and no folders."""
    named = [path for path in sub_folders(root) if role_of(path.name, splits)]
    return [path for path in named if _metadata(path) or sub_folders(path)]


def sub_folders(folder: Path) -> list[Path]:
    """Visible sub-folders, sorted."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def image_files(folder: Path) -> list[str]:
    """Relative paths of the images below a folder, sorted."""
    # A link back to a folder above would put all other classes into this one.
    above = {(stat.st_dev, stat.st_ino) for stat in map(Path.stat, (folder, *folder.parents))}
    names = (name for name, _, _ in _scan(folder, "", above))
    return sorted(name for name in names if is_image_file(folder, name))


def _metadata(folder: Path) -> Path | None:
    return next((folder / name for name in METADATA_NAMES if (folder / name).is_file()), None)


def _leads_to_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link that leads to itself.
        return False


def _scan(folder: Path, prefix: str, seen: set[tuple[int, int]] | None = None) -> Iterator[tuple[str, int, int]]:
    """(relative name, size, mtime_ns) of every file below, hidden ones left out.

    A folder that links lead to again is not read again: links may go round, and few of them make endless many ways.
    """
    stat = os.stat(folder)  # noqa: PTH116 - as all of this, for speed
    seen = {(stat.st_dev, stat.st_ino)} if seen is None else seen
    with os.scandir(folder) as entries:
        # Folders before links to folders, so that it does not depend on the order of the listing which name is taken.
        for entry in sorted(entries, key=lambda item: (item.is_symlink(), item.name)):
            if entry.name.startswith("."):
                continue
            if _leads_to_folder(entry):
                target = os.stat(entry.path)  # noqa: PTH116
                if (target.st_dev, target.st_ino) not in seen:
                    seen.add((target.st_dev, target.st_ino))
                    yield from _scan(Path(entry.path), f"{prefix}{entry.name}/", seen)
            else:
                try:
                    stat = entry.stat()
                except OSError:  # A dangling link.
                    continue
                yield f"{prefix}{entry.name}", stat.st_size, stat.st_mtime_ns
