"""A folder of shards as one table: keys to rows, append-only, shared by any number of processes."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.features._files import CacheError, remove_stale_temporaries
from workbench.features._index import Index, Located
from workbench.features._remote import RemoteTable
from workbench.features._scratch import empty_rows
from workbench.features._shard import SUFFIX, CorruptShardError, Shard, open_shard, write_shard
from workbench.files import CORRUPT


class FeatureTable:
    """Rows of fixed widths by 32-byte key.

    Every method sees what other processes have committed so far. Threads may share it. A shard that fails its checksum
    is moved aside, and its rows count as not stored.

    Args:
        folder: Holds the shards; made on the first commit.
        widths: Columns and their widths.
        prepare: Called before each commit.
        dtype: Of all columns: float32, or uint8.
        remote: A table that keys are copied from which this one lacks, and that commits may be added to.

    Attributes:
        corrupt: Shards that this object moved aside, under their new names, and addresses of damaged objects.
    """

    def __init__(
        self,
        folder: Path,
        widths: Mapping[str, int],
        prepare: Callable[[], None] | None = None,
        dtype: type[np.float32] | type[np.uint8] = np.float32,
        remote: RemoteTable | None = None,
    ) -> None:
        self.folder = folder
        self.widths = dict(widths)
        self.dtype = dtype
        self.corrupt: list[Path | str] = []
        self._remote = remote
        self._prepare = prepare
        self._refused: set[str] = set()
        self._index: Index[Shard] = Index([])
        self._cleaned = False
        # Threads of the dashboard share a table: each shard is read, checked and moved aside by one of them.
        self._lock = threading.RLock()

    def find(self, keys: AnyArray) -> Located[Shard]:
        """Locate keys; every shard that holds one of them has passed its checksum.

        Args:
            keys: uint8 (n, 32).

        Raises:
            CacheError: A shard is of another version or model, or what is missing here cannot be looked for elsewhere.
        """
        with self._lock:
            located = self._find(keys)
            # A row of zeros is the hash of nothing.
            missing = keys[~located.found & keys.any(axis=1)]
            if self._remote is None or not len(missing):
                return located
            supplied = self._remote.supply(missing, self.folder)
            self.corrupt += supplied.damaged
            self._refused -= supplied.copied  # Of one that was damaged here, the copy is whole.
            found = self._find(keys)
            if self._prepare is not None and (found.found & ~located.found).any():
                self._prepare()
            return found

    def _find(self, keys: AnyArray) -> Located[Shard]:
        with self._lock:
            while True:
                self._refresh()
                located = self._index.find(keys)
                try:
                    for shard, _ in located.by_shard():
                        shard.verify()
                except CorruptShardError:
                    self._set_aside(shard.path)
                else:
                    return located

    def has(self, keys: AnyArray) -> BoolArray:
        """Which keys are stored here or remotely, bool (n,), by lists of keys: nothing is copied, no checksum computed.

        Raises:
            CacheError: A shard is of another version or model.
        """
        with self._lock:
            self._refresh()
            asked = np.ascontiguousarray(keys, dtype=np.uint8)
            found = self._index.find(asked).found
            if self._remote is not None and not found.all():
                found = found | self._remote.has(asked)
            return found

    def gather(self, located: Located[Shard], column: str) -> AnyArray:
        """Rows of one column, (n, width); NaN, or 0 of uint8, where the key is not stored or is a tombstone.

        What takes more than an eighth of the memory lies in a file that goes with the array.

        Raises:
            CacheError: A shard was cut short since it was located, or there is no space for that file.
        """
        absent = 0 if self.dtype is np.uint8 else np.nan
        out = empty_rows((len(located.shard), self.widths[column]), self.dtype, self.folder)
        empty = np.ones(len(out), dtype=np.bool_)
        for shard, positions in located.by_shard():
            try:
                shard.check_length()
            except CorruptShardError as error:
                raise CacheError(f"{error}; something else writes to the cache. Run the same command again.") from error
            rows = located.row[positions]
            live = shard.readable[rows]
            out[positions[live]] = shard.columns[column][rows[live]]
            empty[positions[live]] = False
        out[empty] = absent
        return out

    def readable(self, located: Located[Shard]) -> BoolArray:
        """Boolean (n,): stored and not a tombstone."""
        out = np.zeros(len(located.shard), dtype=np.bool_)
        for shard, positions in located.by_shard():
            out[positions] = shard.readable[located.row[positions]]
        return out

    def reasons(self, located: Located[Shard]) -> dict[int, str]:
        """Why keys have tombstones, by position."""
        return {
            int(position): shard.reasons.get(int(located.row[position]), "unreadable")
            for shard, positions in located.by_shard()
            if shard.reasons
            for position in positions[~shard.readable[located.row[positions]]]
        }

    def commit(
        self,
        keys: AnyArray,
        columns: Mapping[str, AnyArray],
        readable: BoolArray | None = None,
        reasons: Mapping[int, str] | None = None,
    ) -> None:
        """Add rows as one shard; once this returns, they survive a crash.

        Args:
            keys: uint8 (n, 32).
            columns: (n, width) for each of `widths`.
            readable: bool (n,); False makes a tombstone.
            reasons: Why, by tombstone row.

        Raises:
            CacheError: The folder cannot be written; earlier commits are intact.
        """
        if self._prepare is not None:
            self._prepare()
        if not self._cleaned:
            remove_stale_temporaries(self.folder)
            self._cleaned = True
        alive = np.ones(len(keys), dtype=np.bool_) if readable is None else readable
        path = write_shard(self.folder, keys, alive, {name: columns[name] for name in self.widths}, reasons or {})
        self._refused.discard(path.name)
        if self._remote is not None:
            self._remote.offer([open_shard(path, ())])

    def _refresh(self) -> None:
        """Take up shards that appeared, and let go of those that went."""
        try:
            names = {path.name for path in self.folder.glob(f"*{SUFFIX}")} - self._refused
        except OSError as error:
            raise CacheError(f"{self.folder}: cannot be read ({error.strerror or error}).") from error
        known = {shard.path.name: shard for shard in self._index.shards}
        if names == known.keys():
            return
        shards = [known.get(name) or self._open(self.folder / name) for name in sorted(names)]
        self._index = Index([shard for shard in shards if shard is not None])

    def _open(self, path: Path) -> Shard | None:
        try:
            shard = open_shard(path, tuple(self.widths))
            widths = {name: column.shape[1:] for name, column in shard.columns.items()}
            if widths == {name: (width,) for name, width in self.widths.items()}:
                return shard
            shard.verify()
        except FileNotFoundError:
            return None
        except CorruptShardError:
            self._set_aside(path)
            return None
        except OSError as error:
            raise CacheError(f"{path}: cannot be read ({error.strerror or error}).") from error
        raise CacheError(f"{path}: has columns of shape {widths}, expected {self.widths}; delete the file.")

    def _set_aside(self, path: Path) -> None:
        aside = path.with_name(path.name + CORRUPT)
        with contextlib.suppress(OSError):  # Gone already, or a cache that may only be read: then it is ignored.
            path.replace(aside)
        self.corrupt.append(aside if aside.exists() else path)
        self._refused.add(path.name)
