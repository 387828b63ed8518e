"""Sources whose records lie in an object store."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from workbench.addresses import ObjectStore, is_address
from workbench.datasets.card import DatasetCard
from workbench.datasets.sources._address import common_address, find_objects, stamp_of
from workbench.datasets.sources._base import Location
from workbench.datasets.sources._files import StoredFiles
from workbench.errors import DataError
from workbench.inputs import MAX_IMAGE_BYTES

_THREADS = 16
_BUFFER = 2**20  # Members of tar files are mostly smaller; larger ones are stepped over.


def are_addresses(path: "str | Mapping[Any, str]", card: str) -> bool:
    """Whether the data of a card lies at addresses; raises `DataError` where only a part does, or in several stores."""
    paths = [path] if isinstance(path, str) else list(path.values())
    schemes = {each.partition("://")[0] if is_address(each) else None for each in paths}
    if len(schemes) > 1:
        raise DataError(
            f"dataset {card!r}: source.path names files of several stores, or of this machine, too; copy them to one."
        )
    return schemes != {None}


class RemoteFiles(StoredFiles):
    """Reads objects, or ranges of their bytes, and tells their state from what the store says: sizes and ETags.

    Args:
        card: The card, whose `source.path` is an address, with `*` and `{000..007}`, or one for each split.
    """

    root: str

    def __init__(self, card: DatasetCard) -> None:
        path: Any = card.source.path  # type: ignore[attr-defined]  # Of all sources of this class.
        paths: dict[str | None, str] = {None: path} if isinstance(path, str) else path
        self._patterns = list(paths.values())
        self._store = ObjectStore(self._patterns[0])
        found = find_objects(self._store, self._patterns)
        self.root = common_address(address for objects in found for address in objects)
        self._about = {address: about for objects in found for address, about in objects.items()}
        self.files = [
            (name and getattr(card.splits, name), self._name(address))
            for name, objects in zip(paths, found, strict=True)
            for address in objects
        ]

    def _name(self, address: str) -> str:
        return address.removeprefix(self.root + "/")

    def where(self, name: str) -> str:
        """See `StoredFiles.where`."""
        return f"{self.root}/{name}"

    def open_file(self, name: str) -> io.BufferedReader:
        """See `StoredFiles.open_file`."""
        return io.BufferedReader(self.open_ranges(name), _BUFFER)

    def open_ranges(self, name: str) -> "_Ranges":
        """An object as a file that requests what is read of it and no more."""
        address = self.where(name)
        return _Ranges(self._store, address, int((self._about.get(address) or {}).get("size") or 0))

    def stamp(self, file: str) -> tuple[int, int]:
        """See `Source.stamp`; the second number is of the object's ETag, or of what the store has instead."""
        address = self.where(file)
        return stamp_of(self._about.get(address) or self._store.about(address))

    def state(self, files: Sequence[str]) -> str:
        """See `Source.state`."""
        found = find_objects(self._store, self._patterns)
        self._about = {address: about for objects in found for address, about in objects.items()}
        others = sorted({self.where(file) for file in files} - self._about.keys())
        with ThreadPoolExecutor(_THREADS) as pool:
            stamps = [*map(stamp_of, self._about.values()), *map(stamp_of, pool.map(self._store.about, others))]
        digest = hashlib.sha256()
        for address, stamp in zip([*self._about, *others], stamps, strict=True):
            digest.update(f"{address}\0{stamp}\n".encode())
        return digest.hexdigest()

    def text_file(self, name: str) -> str | None:
        """See `Source.text_file`; as `FileSource` looks for it."""
        for folder in (self.root, self.root.rpartition("/")[0]):
            if folder.partition("://")[2] and self._store.about(f"{folder}/{name}") is not None:
                try:
                    return self._store.read(f"{folder}/{name}").decode("utf-8-sig").replace("\r\n", "\n")
                except UnicodeDecodeError as error:
                    raise DataError(f"{folder}/{name}: is not UTF-8 ({error.reason} at byte {error.start}).") from error
        return None

    def read(self, location: Location) -> bytes:
        """See `Source.read`."""
        address = self.where(location.file)
        if location.offset < 0:
            size = (self._about.get(address) or self._store.about(address) or {}).get("size") or 0
            if size > MAX_IMAGE_BYTES:
                raise DataError(f"{address}: has {size:,} bytes, more than {MAX_IMAGE_BYTES:,}.")
            return self._store.read(address)
        length = min(location.length, MAX_IMAGE_BYTES)
        return self._store.read(address, location.offset, location.offset + length)


class _Ranges(io.RawIOBase):
    """An object as a file; each read is one request for its bytes."""

    def __init__(self, store: ObjectStore, address: str, size: int) -> None:
        super().__init__()
        self._store = store
        self._address = address
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._store.read(self._address, self._at, min(self._at + len(view), self._size))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
