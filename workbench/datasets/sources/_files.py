"""Sources whose records lie in files below one root folder."""

import hashlib
import os
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from workbench.datasets.formats.nifti import axis_and_index, is_nifti_name, slice_bytes
from workbench.datasets.sources._base import Location, Source
from workbench.errors import DataError
from workbench.inputs import MAX_IMAGE_BYTES, check_regular, open_regular, read_bytes, read_text


class StoredFiles(Source):
    """A source of files below one root, which may be a folder or an address.

    Attributes:
        files: The files that the card names, from the root, each with the source's name of its split, or None.
    """

    files: Sequence[tuple[str | None, str]] = ()

    @abstractmethod
    def where(self, name: str) -> str:
        """The whole path or address of a file, for messages."""

    @abstractmethod
    def open_file(self, name: str) -> IO[bytes]:
        """Open a file for reading and seeking; raises `OSError` or `DataError`."""


class FileSource(StoredFiles):
    """Reads whole files or byte ranges below `root`, and tells their state from names, sizes and times.

    Args:
        root: The folder that locations start from.
        index_files: Tables and other files that say which images there are.
    """

    root: Path

    def __init__(self, root: Path, index_files: Sequence[Path] = ()) -> None:
        self.root = root
        self._index_files = list(index_files)

    def where(self, name: str) -> str:
        """See `StoredFiles.where`."""
        return str(self.root / name)

    def open_file(self, name: str) -> IO[bytes]:
        """See `StoredFiles.open_file`; raises `OSError`."""
        check_regular(self.root / name)
        return (self.root / name).open("rb")

    def stamp(self, file: str) -> tuple[int, int]:
        """See `Source.stamp`."""
        try:
            stat = os.stat(self.root / file)  # noqa: PTH116 - called for every image; Path.stat costs twice as much
        except OSError:
            return (-1, -1)
        return stat.st_size, stat.st_mtime_ns

    def state(self, files: Sequence[str]) -> str:
        """See `Source.state`."""
        digest = hashlib.sha256()
        for path in self._index_files:
            stat = path.stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        for file in sorted(set(files)):
            digest.update(f"{file}\0{self.stamp(file)}\n".encode())
        return digest.hexdigest()

    def text_file(self, name: str) -> str | None:
        """See `Source.text_file`; it lies in `root`, or in the folder above where `root` is that of a split."""
        places = [folder / name for folder in (self.root, self.root.parent)]
        found = next((path for path in places if path.is_file()), None)
        return None if found is None else read_text(found, DataError)

    def read(self, location: Location) -> bytes:
        """See `Source.read`."""
        try:
            if location.offset < 0:
                data = read_bytes(self.root / location.file)
                whole = location.row < 0 or not is_nifti_name(location.file)
                return data if whole else slice_bytes(data, *axis_and_index(location.row))
            with open_regular(self.root / location.file) as file:
                # What is not there would be allocated all the same.
                available = os.fstat(file.fileno()).st_size - location.offset
                file.seek(location.offset)
                return file.read(max(0, min(location.length, available, MAX_IMAGE_BYTES)))
        except OSError as error:
            raise DataError(f"{self.root / location.file}: cannot be read ({error.strerror}).") from error


def relative(path: Path, root: Path) -> str:
    """`path` below `root`, with forward slashes."""
    return path.relative_to(root).as_posix()
