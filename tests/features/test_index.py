from pathlib import Path

import numpy as np

from workbench.arrays import AnyArray
from workbench.features._index import Index
from workbench.features._shard import Shard


def shard(keys: AnyArray, readable: AnyArray | None = None) -> Shard:
    alive = np.ones(len(keys), dtype=np.bool_) if readable is None else readable
    return Shard(Path("x"), keys, alive, {}, {}, np.empty(0, np.uint8))


def test_agrees_with_a_dictionary() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 256, (n, 32), dtype=np.uint8) for n in (700, 0, 1, 299)]
    where = {key.tobytes(): (s, r) for s, part in enumerate(parts) for r, key in enumerate(part)}
    asked = rng.permutation(np.concatenate([*parts, rng.integers(0, 256, (500, 32), dtype=np.uint8)]))
    located = Index([shard(part) for part in parts]).find(asked)
    for i, key in enumerate(asked):
        expected = where.get(key.tobytes())
        assert located.found[i] == (expected is not None)
        if expected:
            assert (located.shard[i], located.row[i]) == expected


def test_keys_that_share_their_first_bytes_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    keys = rng.integers(0, 256, (60, 32), dtype=np.uint8)
    keys[:, :8] = keys[:3, :8].repeat(20, axis=0)
    located = Index([shard(keys[:50])]).find(keys)
    np.testing.assert_array_equal(located.row[:50], np.arange(50))
    assert not located.found[50:].any()


def test_a_readable_row_wins_over_a_tombstone() -> None:
    key = np.full((1, 32), 9, dtype=np.uint8)
    dead, alive = shard(key, np.array([False])), shard(key, np.array([True]))
    assert Index([dead, alive]).find(key).shard[0] == 1
    assert Index([alive, dead]).find(key).shard[0] == 0


def test_nothing_stored_and_nothing_asked() -> None:
    none = np.empty((0, 32), dtype=np.uint8)
    assert not Index([]).find(np.ones((3, 32), dtype=np.uint8)).found.any()
    assert Index([shard(np.ones((3, 32), dtype=np.uint8))]).find(none).by_shard() == []
    assert Index([]).find(none).by_shard() == []


def test_positions_by_shard_cover_what_was_found_once() -> None:
    rng = np.random.default_rng(2)
    shards = [shard(rng.integers(0, 256, (n, 32), dtype=np.uint8)) for n in (40, 3, 57)]
    asked = rng.permutation(np.concatenate([shards[0].keys, shards[2].keys, np.zeros((9, 32), np.uint8)]))
    seen = []
    located = Index(shards).find(asked)
    for each, positions in located.by_shard():
        np.testing.assert_array_equal(each.keys[located.row[positions]], asked[positions])
        seen += positions.tolist()
    assert sorted(seen) == np.flatnonzero(asked.any(axis=1)).tolist()
