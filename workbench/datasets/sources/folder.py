"""Image folders: class sub-folders, or files beside a `metadata.csv` / `metadata.jsonl`."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.datasets.card import DatasetCard, FolderSource
from workbench.datasets.images import IMAGE_SUFFIXES
from workbench.datasets.sources._base import Location, Record, make_record
from workbench.datasets.sources._files import FileBacked, relative
from workbench.datasets.sources._locate import Locator
from workbench.datasets.sources.table import table_records
from workbench.errors import DataError

METADATA_NAMES = ("metadata.csv", "metadata.jsonl")
SPLIT_FOLDERS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip


class FolderReader(FileBacked):
    """Reads a folder in either layout; `metadata` files win over class sub-folders."""

    def __init__(self, card: DatasetCard, locate: Locator) -> None:
        path = card.source.path if isinstance(card.source, FolderSource) else "."
        root = locate.find(path)
        if not root.is_dir():
            raise DataError(f"dataset {card.name!r}: {root} is not a folder.")
        super().__init__(root)
        self._card = card

    def state(self, files: Sequence[str]) -> str:  # noqa: ARG002 - a new file must show, so the folder is listed
        """See `Source.state`."""
        digest = hashlib.sha256()
        for name, size, modified in sorted(_scan(self.root, "")):
            digest.update(f"{name}\0{size}\0{modified}\n".encode())
        return digest.hexdigest()

    def records(self) -> list[Record]:
        """See `Source.records`."""
        tables = metadata_files(self.root)
        found = list(self._from_tables(tables) if tables else self._from_folders())
        if not found:
            kinds = ", ".join(sorted(IMAGE_SUFFIXES))
            raise DataError(
                f"{self.root}: no images found; expected class sub-folders (with or without train/ val/ test/ above "
                f"them) or a metadata.csv with the column file_name. Image files end in {kinds}."
            )
        return found

    def _from_tables(self, tables: list[Path]) -> Iterator[Record]:
        for path in tables:
            prefix = "" if path.parent == self.root else relative(path.parent, self.root) + "/"
            yield from table_records(
                self._card, path, SPLIT_FOLDERS.get(prefix.rstrip("/").lower()), prefix, "file_name"
            )

    def _from_folders(self) -> Iterator[Record]:
        tops = sorted(path for path in self.root.iterdir() if path.is_dir() and not path.name.startswith("."))
        splits = {path: SPLIT_FOLDERS[path.name.lower()] for path in tops if path.name.lower() in SPLIT_FOLDERS}
        for top in splits or tops:
            classes = sorted(path for path in top.iterdir() if path.is_dir()) if splits else [top]
            for folder in classes:
                for name, _, _ in sorted(_scan(folder, "")):
                    if Path(name).suffix.lower() in IMAGE_SUFFIXES:
                        row = {self._card.columns.label: folder.name} if self._card.columns.label else {}
                        location = Location(f"{relative(folder, self.root)}/{name}")
                        yield make_record(self._card, str(folder), row, location, splits.get(top))


def metadata_files(root: Path) -> list[Path]:
    """Metadata files of a folder, or of its split sub-folders."""
    places = [root, *sorted(path for path in root.iterdir() if path.is_dir() and path.name.lower() in SPLIT_FOLDERS)]
    found = [path / name for path in places for name in METADATA_NAMES if (path / name).is_file()]
    return found[:1] if found and found[0].parent == root else found


def _scan(folder: Path, prefix: str) -> Iterator[tuple[str, int, int]]:
    """(relative name, size, mtime_ns) of every file below, hidden ones left out."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _scan(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                found = entry.stat()
                yield f"{prefix}{entry.name}", found.st_size, found.st_mtime_ns
