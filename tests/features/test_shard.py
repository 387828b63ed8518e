from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from workbench.features import CacheError
from workbench.features._shard import CorruptShardError, open_shard, write_shard

RNG = np.random.default_rng(0)
KEYS = RNG.integers(0, 256, (5, 32), dtype=np.uint8)
VALUES = RNG.normal(size=(5, 3)).astype(np.float32)
READABLE = np.array([True, True, False, True, True])


def write(folder: Path) -> Path:
    return write_shard(folder, KEYS, READABLE, {"projected": VALUES}, {2: "broken — défaut"})


def test_gives_back_what_was_written(tmp_path: Path) -> None:
    shard = open_shard(write(tmp_path), ["projected"])
    shard.verify()
    np.testing.assert_array_equal(shard.keys, KEYS)
    np.testing.assert_array_equal(shard.readable, READABLE)
    np.testing.assert_array_equal(shard.columns["projected"], VALUES)
    assert shard.reasons == {2: "broken — défaut"}


def test_stock_safetensors_reads_it(tmp_path: Path) -> None:
    np.testing.assert_array_equal(load_file(write(tmp_path))["projected"], VALUES)


def test_equal_rows_are_the_same_file(tmp_path: Path) -> None:
    assert len({write(tmp_path) for _ in range(8)}) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_an_empty_column_is_a_shard_too(tmp_path: Path) -> None:
    path = write_shard(tmp_path, KEYS[:0], READABLE[:0], {"projected": VALUES[:0]}, {})
    shard = open_shard(path, ["projected"])
    shard.verify()
    assert shard.columns["projected"].shape == (0, 3)


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path)
    intact = path.read_bytes()
    for position in range(len(intact)):
        for change in (0x01, 0x80):
            damaged = bytearray(intact)
            damaged[position] ^= change
            path.write_bytes(damaged)
            with pytest.raises(CorruptShardError):
                open_shard(path, ["projected"]).verify()


def test_any_truncation_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path)
    intact = path.read_bytes()
    for length in range(len(intact)):
        path.write_bytes(intact[:length])
        with pytest.raises(CorruptShardError):
            open_shard(path, ["projected"]).verify()


def test_bytes_behind_the_end_are_noticed(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CorruptShardError):
        open_shard(path, ["projected"]).verify()


def test_another_format_is_refused_and_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.features._shard._FORMAT", "workbench-features-2")
    path = write(tmp_path)
    monkeypatch.undo()
    with pytest.raises(CacheError, match=r"another version.*WORKBENCH_CACHE"):
        open_shard(path, ["projected"])
