"""A feature store in an object store: immutable shards, and commits that list them.

`ROOT/FINGERPRINT/TABLE/CHECKSUM.safetensors` are the shards, and `ROOT/FINGERPRINT/TABLE/commits/NAME` the commits. A
writer puts its shards first and its commit last, under a name that nobody else has: no writer replaces what another
wrote, and what was interrupted is never seen. All commits together are the table.
"""

import logging
import time
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench.addresses import ObjectStore
from workbench.arrays import AnyArray, BoolArray
from workbench.errors import WorkbenchError
from workbench.features._commits import ListedShard, is_commit_name, pack_commit, unpack_commit
from workbench.features._files import CacheError, write_atomically
from workbench.features._index import Index
from workbench.features._shard import SUFFIX, CorruptShardError, Shard
from workbench.files import checksum, read_sealed, sealed, unsealed
from workbench.outputs import OutputError, check_room

COMMITS = "commits"
_FRESH_SECONDS = 30.0
"""For so long a list of commits is not asked for again."""
_THREADS = 8
_TRIES = 5
_NO_ROOM = "Free some (workbench cache prune), or set WORKBENCH_CACHE to a folder on another disk."
_log = logging.getLogger(__name__)


class RemoteStore:
    """A store at an address, such as `s3://bucket/prefix`; nothing is asked of it before something is needed.

    Args:
        address: Its root.
        writable: Whether what is computed here is added to it.
        kept: A folder of this machine for the commits that were read.
    """

    def __init__(self, address: str, kept: Path, *, writable: bool = False) -> None:
        self.address = address.rstrip("/")
        self.writable = writable
        self._kept = kept / checksum(self.address.encode())[:16]

    @cached_property
    def objects(self) -> ObjectStore:
        """The objects; raises `CacheError` where the package that reads them is missing."""
        return ObjectStore(self.address, "WORKBENCH_FEATURES", CacheError)

    def table(self, fingerprint: str, name: str, about: bytes) -> "RemoteTable":
        """One of its tables.

        Args:
            fingerprint: The model's.
            name: `images-VIEW` or `texts`.
            about: What the fingerprint stands for, which is written beside the first shard.
        """
        return RemoteTable(self, f"{fingerprint}/{name}", self._kept / fingerprint / name, about)


@dataclass(frozen=True)
class Supplied:
    """What was copied.

    Attributes:
        copied: Names of shards.
        damaged: Addresses of damaged objects, whose rows count as not stored.
    """

    copied: frozenset[str]
    damaged: list[str]


class RemoteTable:
    """A table of a `RemoteStore`.

    Args:
        store: The store.
        path: Below its root.
        kept: A folder of this machine for the commits that were read.
        about: See `RemoteStore.table`.
    """

    def __init__(self, store: RemoteStore, path: str, kept: Path, about: bytes) -> None:
        self.address = f"{store.address}/{path}"
        self._store = store
        self._kept = kept
        self._about = about
        self._index: Index[ListedShard] = Index([])
        self._commits: set[str] = set()
        self._refused: set[str] = set()
        self._asked = -np.inf
        self._failed = False
        self._described = False

    def has(self, keys: AnyArray) -> BoolArray:
        """Which keys a commit lists, bool (n,), whether or not their shards turn out to be whole.

        Raises:
            CacheError: The store cannot be read.
        """
        self.refresh()
        return self._index.find(keys).found

    def supply(self, keys: AnyArray, folder: Path) -> Supplied:
        """Copy the shards that hold any of the keys into a folder, as far as they are there and whole.

        Args:
            keys: uint8 (n, 32).
            folder: A table of this machine.

        Raises:
            CacheError: The store cannot be read, or the folder not written.
        """
        damaged = self.refresh()
        held = [shard for shard, _ in self._index.find(keys).by_shard()]
        wanted = [shard for shard in held if shard.name not in self._refused and not (folder / shard.name).exists()]
        if not wanted:
            return Supplied(frozenset(), damaged)
        size = sum(shard.size for shard in wanted)
        try:
            check_room(folder, size, f"features of {self.address}", _NO_ROOM)
        except OutputError as error:
            raise CacheError(str(error)) from error
        with ThreadPoolExecutor(_THREADS) as pool:
            whole = list(pool.map(lambda shard: self._copy(shard, folder), wanted))
        lost = [shard.name for shard, good in zip(wanted, whole, strict=True) if not good]
        self._refused |= set(lost)
        copied = frozenset(shard.name for shard in wanted) - set(lost)
        return Supplied(copied, damaged + [f"{self.address}/{name}" for name in lost])

    def _copy(self, shard: ListedShard, folder: Path) -> bool:
        address, reason = f"{self.address}/{shard.name}", ""
        for _ in range(2):  # What was damaged on its way comes whole the second time.
            data = self._store.objects.read_if_there(address)
            if data is None:
                reason = "is not there any more"
            elif checksum(data) + SUFFIX != shard.name:
                reason = "is damaged: its checksum differs"
            else:
                write_atomically(folder / shard.name, data)
                return True
        _log.warning("%s %s; its features are computed again.", address, reason)
        return False

    def refresh(self, *, now: bool = False) -> list[str]:
        """Take up what others have committed, and return the addresses of damaged commits.

        Args:
            now: Ask even if that was done just before.

        Raises:
            CacheError: The store cannot be read.
        """
        if not now and time.monotonic() - self._asked < _FRESH_SECONDS:
            return []
        for _ in range(_TRIES):
            found = self._store.objects.below(f"{self.address}/{COMMITS}")
            names = set(filter(is_commit_name, found)) - self._refused
            if names == self._commits:
                break
            read = self.read_commits(names)
            if None in read.values():
                continue  # Somebody has put these commits together with others since they were listed.
            damaged = [name for name, shards in read.items() if shards == []]
            self._refused |= set(damaged)
            listed = {shard.name: shard for shards in read.values() for shard in shards or ()}
            self._index = Index([listed[name] for name in sorted(listed)])
            self._index.shards = tuple(shard.without_keys() for shard in self._index.shards)
            self._commits = names - set(damaged)
            self._forget(names)
            self._asked = time.monotonic()
            return [f"{self.address}/{COMMITS}/{name}" for name in damaged]
        self._asked = time.monotonic()
        return []

    @property
    def names(self) -> set[str]:
        """The shards that were listed when this was last refreshed."""
        return {shard.name for shard in self._index.shards}

    def read_commits(self, names: Iterable[str]) -> dict[str, list[ListedShard] | None]:
        """Shards by commit; empty where it is damaged, which is logged, and None where it is not there any more."""
        ordered = sorted(names)
        with ThreadPoolExecutor(_THREADS) as pool:
            return dict(zip(ordered, pool.map(self._read_commit, ordered), strict=True))

    def _read_commit(self, name: str) -> list[ListedShard] | None:
        try:
            kept = read_sealed(self._kept / name)
            if kept is not None:
                return unpack_commit(kept)
            data = self._store.objects.read_if_there(f"{self.address}/{COMMITS}/{name}")
            if data is None:
                return None
            content = unsealed(data)
            if content is None:
                raise CorruptShardError("checksum mismatch")
            shards = unpack_commit(content)
        except CorruptShardError as error:
            _log.warning(
                "%s/%s/%s cannot be used (%s); what it lists is passed over.", self.address, COMMITS, name, error
            )
            return []
        except OSError as error:
            raise CacheError(f"{self._kept / name}: cannot be read ({error.strerror or error}).") from error
        write_atomically(self._kept / name, data)
        return shards

    def _forget(self, names: set[str]) -> None:
        for path in self._kept.iterdir() if self._kept.is_dir() else ():
            if path.name not in names and not path.name.startswith("."):
                path.unlink(missing_ok=True)

    def offer(self, shards: Sequence[Shard]) -> None:
        """Add shards if the store is written to; where that fails, say so once, and leave it: they are kept here."""
        if not self._store.writable or self._failed:
            return
        try:
            self.add(shards)
        except WorkbenchError as error:
            self._failed = True
            _log.warning("Features are kept here alone: %s `workbench cache publish` sends them later.", error)

    def add(self, shards: Sequence[Shard]) -> None:
        """Add shards of this machine; once this returns, every reader finds them.

        Raises:
            CacheError: The store cannot be written; a part that was sent is not seen by anybody.
            CorruptShardError: One of them is damaged.
        """
        objects = self._store.objects
        about = f"{self.address.rpartition('/')[0]}/model.json"
        if not self._described and objects.read_if_there(about) is None:
            objects.write(about, self._about)
        self._described = True
        for shard in shards:
            shard.verify()
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(self._send, shards))
        self.commit([ListedShard(s.path.name, s.size, np.asarray(s.keys), s.readable) for s in shards])

    def _send(self, shard: Shard) -> None:
        self._store.objects.write(f"{self.address}/{shard.path.name}", shard.content())

    def commit(self, shards: Sequence[ListedShard]) -> str:
        """Write a commit under a new name, which is returned."""
        name = uuid.uuid4().hex
        self._store.objects.write(f"{self.address}/{COMMITS}/{name}", sealed(pack_commit(shards)))
        return name
