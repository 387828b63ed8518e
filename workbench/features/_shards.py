"""Append-only shards of rows keyed by content, each committed by one atomic rename.

A shard is a safetensors file: `keys` uint8 (n, 32), `status` uint8 (n,), and float32 arrays (n, width) by name. Its
metadata carries one checksum over keys and status, verified when the shard is opened, and one over the arrays, verified
before a row of it is first used. Several processes may write: each shard has a name of its own, and a row that two of
them computed is simply there twice. A process killed at any instant leaves at most a hidden temporary file.
"""

import errno
import json
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from workbench.arrays import AnyArray, FloatArray, IntArray
from workbench.errors import DataError

KEY_BYTES = 32
OK, UNREADABLE = 0, 1
_FORMAT = "1"
_ABANDONED_SECONDS = 24 * 3600


@dataclass
class _Shard:
    path: Path
    keys: AnyArray
    status: AnyArray
    reasons: dict[str, str]
    arrays_checksum: str
    arrays: dict[str, FloatArray] | None = None  # read and verified on first use


@dataclass
class Found:
    """Where rows lie.

    Attributes:
        shard: int64 (n,) index of the shard, -1 where the row is not stored.
        row: int64 (n,) row in the shard.
    """

    shard: IntArray
    row: IntArray

    @property
    def missing(self) -> AnyArray:
        """bool (n,)."""
        return self.shard < 0


@dataclass
class ShardFolder:
    """The shards of one model and view.

    Attributes:
        folder: Where they lie; made when the first is written.
        names: The arrays that every row has.
        corrupt: Shards that failed their checksum and were moved aside, since this object was made.
    """

    folder: Path
    names: Sequence[str]
    corrupt: list[str] = field(default_factory=list)
    _shards: list[_Shard | None] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _prefixes: AnyArray = field(default_factory=lambda: np.empty(0, np.uint64))
    _shard_of: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    _row_of: IntArray = field(default_factory=lambda: np.empty(0, np.int64))

    def find(self, keys: AnyArray) -> Found:
        """Look rows up by key, uint8 (n, 32); shards that other processes committed meanwhile are seen."""
        self._refresh()
        shard = np.full(len(keys), -1, dtype=np.int64)
        row = np.zeros(len(keys), dtype=np.int64)
        if len(self._prefixes) == 0 or len(keys) == 0:
            return Found(shard, row)
        wanted = _prefix(keys)
        place = np.minimum(np.searchsorted(self._prefixes, wanted), len(self._prefixes) - 1)
        hit = np.flatnonzero(self._prefixes[place] == wanted)
        shard[hit], row[hit] = self._shard_of[place[hit]], self._row_of[place[hit]]
        return Found(shard, row)

    def status(self, found: Found) -> tuple[AnyArray, list[str]]:
        """bool (n,) whether each row is readable, and the reason where it is not."""
        readable = np.ones(len(found.shard), dtype=np.bool_)
        reasons = [""] * len(found.shard)
        for i in np.flatnonzero(~found.missing):
            shard = self._shards[found.shard[i]]
            if shard is not None and shard.status[found.row[i]] == UNREADABLE:
                readable[i] = False
                reasons[i] = shard.reasons.get(str(found.row[i]), "unreadable")
        return readable, reasons

    def verify(self, found: Found) -> bool:
        """Check the arrays of every shard that holds one of the rows.

        Returns:
            False if one was corrupt: it has been moved aside, and the rows must be looked up again.
        """
        intact = True
        for index in np.unique(found.shard[~found.missing]):
            shard = self._shards[index]
            if shard is None or shard.arrays is not None:
                continue
            arrays = _read_arrays(shard, self.names)
            if arrays is None:
                self._set_aside(shard.path)
                self._shards[index] = None
                intact = False
            else:
                shard.arrays = arrays
        if not intact:
            self._index()
        return intact

    def take(self, name: str, found: Found, width: int) -> FloatArray:
        """float32 (n, width) rows of one array; rows that are missing or unreadable are zero. Call `verify` first."""
        out = np.zeros((len(found.shard), width), dtype=np.float32)
        for index in np.unique(found.shard[~found.missing]):
            shard = self._shards[index]
            assert shard is not None and shard.arrays is not None
            here = np.flatnonzero(found.shard == index)
            out[here] = shard.arrays[name][found.row[here]]
        return out

    def append(
        self, keys: AnyArray, arrays: Mapping[str, FloatArray], reasons: Mapping[int, str] | None = None
    ) -> None:
        """Commit rows as one shard.

        Args:
            keys: uint8 (n, 32).
            arrays: float32 (n, width) by name.
            reasons: Position of each unreadable row to the reason.

        Raises:
            DataError: The disk is full or cannot be written; nothing that was committed before is lost.
        """
        from safetensors.numpy import save

        if len(keys) == 0:
            return
        status = np.zeros(len(keys), dtype=np.uint8)
        status[list(reasons or {})] = UNREADABLE
        head = {"keys": np.ascontiguousarray(keys, dtype=np.uint8), "status": status}
        body = {name: np.ascontiguousarray(arrays[name], dtype=np.float32) for name in self.names}
        metadata = {
            "format": _FORMAT,
            "head": _checksum(head.values()),
            "arrays": _checksum(body.values()),
            "reasons": json.dumps({str(position): reason for position, reason in (reasons or {}).items()}),
        }
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.safetensors"
        temporary = self.folder / f".{name}.{os.getpid()}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(save({**head, **body}, metadata))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.folder / name)  # noqa: PTH105 - the atomic step, named as such
        except OSError as error:
            temporary.unlink(missing_ok=True)
            why = "no space left" if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} else error.strerror
            raise DataError(
                f"{self.folder}: features cannot be written ({why}); free some space (`workbench cache prune`) or point "
                "WORKBENCH_CACHE to another disk. What was stored before is kept."
            ) from error

    def _refresh(self) -> None:
        if not self.folder.is_dir():
            return
        with os.scandir(self.folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith((".safetensors", ".tmp")))
        fresh = [name for name in names if name not in self._seen and not name.startswith(".")]
        for name in names:
            if name.startswith("."):
                _remove_if_abandoned(self.folder / name)
        for name in fresh:
            self._seen.add(name)
            shard = _open_shard(self.folder / name)
            if shard is None:
                self._set_aside(self.folder / name)
            else:
                self._shards.append(shard)
        if fresh:
            self._index()

    def _index(self) -> None:
        shards = [(i, shard) for i, shard in enumerate(self._shards) if shard is not None]
        if not shards:
            self._prefixes = np.empty(0, np.uint64)
            return
        prefixes = np.concatenate([_prefix(shard.keys) for _, shard in shards])
        owner = np.concatenate([np.full(len(shard.keys), i, dtype=np.int64) for i, shard in shards])
        row = np.concatenate([np.arange(len(shard.keys), dtype=np.int64) for _, shard in shards])
        order = np.argsort(prefixes, kind="stable")
        self._prefixes, self._shard_of, self._row_of = prefixes[order], owner[order], row[order]

    def _set_aside(self, path: Path) -> None:
        self.corrupt.append(path.name)
        try:
            os.replace(path, path.with_suffix(".corrupt"))  # noqa: PTH105
        except FileNotFoundError:
            pass  # Another process found it first.


def _prefix(keys: AnyArray) -> AnyArray:
    """The first 64 bits of each key; at a billion rows two of them agree with a chance of 3 in 100."""
    return np.ascontiguousarray(keys[:, :8]).view(np.uint64).reshape(-1)


def _checksum(arrays: Any) -> str:
    digest = xxhash.xxh3_128()
    for array in arrays:
        digest.update(f"{array.shape}".encode())
        digest.update(memoryview(array).cast("B") if array.size else b"")
    return digest.hexdigest()


def _open_shard(path: Path) -> _Shard | None:
    from safetensors import safe_open

    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            keys, status = file.get_tensor("keys"), file.get_tensor("status")
        if metadata["format"] != _FORMAT or metadata["head"] != _checksum([keys, status]):
            return None
        return _Shard(path, keys, status, json.loads(metadata["reasons"]), metadata["arrays"])
    except FileNotFoundError:
        return None
    except Exception:  # safetensors raises its own kinds for every way in which a file can be broken.
        return None


def _read_arrays(shard: _Shard, names: Sequence[str]) -> dict[str, FloatArray] | None:
    from safetensors import safe_open

    try:
        with safe_open(shard.path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in names}
    except Exception:
        return None
    return arrays if _checksum(arrays.values()) == shard.arrays_checksum else None


def _remove_if_abandoned(temporary: Path) -> None:
    """Delete a temporary file whose writer is long gone."""
    try:
        if time.time() - temporary.stat().st_mtime > _ABANDONED_SECONDS:
            temporary.unlink()
    except OSError:
        pass
