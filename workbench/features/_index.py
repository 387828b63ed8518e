"""An index from keys to rows, for a million keys and more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from workbench.arrays import AnyArray, BoolArray, IntArray
from workbench.features._shard import KEY_BYTES


class Keyed(Protocol):
    """What has keys; `Shard` fits.

    Attributes:
        keys: uint8 (n, 32).
        readable: bool (n,); a row that is not is a tombstone.
    """

    @property
    def keys(self) -> AnyArray: ...
    @property
    def readable(self) -> AnyArray: ...


K = TypeVar("K", bound=Keyed)


@dataclass(frozen=True)
class Located(Generic[K]):
    """Shards and rows of n keys.

    Attributes:
        shards: The shards that `shard` counts.
        shard: int64 (n,), -1 where the key is not stored.
        row: int64 (n,), the row in its shard.
    """

    shards: tuple[K, ...]
    shard: IntArray
    row: IntArray

    @property
    def found(self) -> BoolArray:
        """Boolean (n,): stored, if only as a tombstone."""
        return self.shard >= 0

    def by_shard(self) -> list[tuple[K, IntArray]]:
        """Each shard that holds any of the keys, with the positions of those keys."""
        positions = np.flatnonzero(self.found)
        order = positions[np.argsort(self.shard[positions], kind="stable")]
        numbers, starts = np.unique(self.shard[order], return_index=True)
        ends = np.append(starts, len(order))[1:]
        return [(self.shards[n], order[a:b]) for n, a, b in zip(numbers, starts, ends, strict=True)]


class Index(Generic[K]):
    """An immutable index over the keys of shards.

    Keys are sorted by their first eight bytes, which distinguish nearly all hashes; the rest breaks ties. It takes 48
    bytes a key, and 80 while it is made, however wide the rows are, which stay on disk.

    Args:
        shards: The shards; of a key that occurs twice, a readable row wins over a tombstone.
    """

    def __init__(self, shards: Sequence[K]) -> None:
        self.shards = tuple(shards)
        lengths = [len(shard.keys) for shard in self.shards]
        starts = np.cumsum([0, *lengths])
        prefix = np.concatenate([np.empty(0, np.uint64), *(_prefix(shard.keys) for shard in self.shards)])
        dead = ~np.concatenate([np.empty(0, np.bool_), *(shard.readable for shard in self.shards)])
        order = np.lexsort((dead, prefix))
        # Each shard's keys go where they belong: to join them first would take their memory twice.
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        self._keys = np.empty((len(order), KEY_BYTES), np.uint8)
        for shard, start, end in zip(self.shards, starts, starts[1:], strict=False):
            self._keys[place[start:end]] = shard.keys
        self._prefix = prefix[order]
        self._shard = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)[order]
        self._row = (order - starts[self._shard]).astype(np.int32)

    def find(self, keys: AnyArray) -> Located[K]:
        """Look keys up.

        Args:
            keys: uint8 (n, 32).
        """
        shard = np.full(len(keys), -1, dtype=np.int64)
        row = np.zeros(len(keys), dtype=np.int64)
        prefix = _prefix(keys)
        at = np.searchsorted(self._prefix, prefix)
        open_ = np.arange(len(keys))
        while len(open_):
            open_ = open_[at[open_] < len(self._prefix)]
            open_ = open_[self._prefix[at[open_]] == prefix[open_]]
            hit = (self._keys[at[open_]] == keys[open_]).all(axis=1)
            done = open_[hit]
            shard[done], row[done] = self._shard[at[done]], self._row[at[done]]
            open_ = open_[~hit]
            at[open_] += 1
        return Located(self.shards, shard, row)


def _prefix(keys: AnyArray) -> AnyArray:
    return np.ascontiguousarray(keys[:, :8]).view("<u8")[:, 0]
