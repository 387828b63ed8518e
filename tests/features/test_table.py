"""One table under several writers, kills, damage, a full disk and pruning."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xxhash

from workbench.arrays import AnyArray, FloatArray
from workbench.features import CacheError
from workbench.features._table import FeatureTable

WIDTHS = {"projected": 3}


def key(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def keys(numbers: range) -> AnyArray:
    return np.frombuffer(b"".join(key(n) for n in numbers), dtype=np.uint8).reshape(-1, 32)


def values(numbers: range) -> FloatArray:
    return np.array([[n, n + 0.5, -n] for n in numbers], dtype=np.float32)


def commit(table: FeatureTable, numbers: range) -> None:
    table.commit(keys(numbers), {"projected": values(numbers)})


WRITER = textwrap.dedent(
    """
    import hashlib, sys
    from pathlib import Path
    import numpy as np
    from workbench.features._table import FeatureTable

    folder, first, stop, size = Path(sys.argv[1]), *map(int, sys.argv[2:])
    table = FeatureTable(folder, {"projected": 3})
    for at in range(first, stop, size):
        numbers = range(at, at + size)
        keys = b"".join(hashlib.sha256(str(n).encode()).digest() for n in numbers)
        rows = np.array([[n, n + 0.5, -n] for n in numbers], dtype=np.float32)
        table.commit(np.frombuffer(keys, np.uint8).reshape(-1, 32), {"projected": rows})
        print(at + size, flush=True)
    """
)


def writer(folder: Path, first: int, stop: int, size: int = 5, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [*prefix, sys.executable, "-c", WRITER, str(folder), str(first), str(stop), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_tables_on_one_folder_see_each_others_rows(tmp_path: Path) -> None:
    one, two = FeatureTable(tmp_path, WIDTHS), FeatureTable(tmp_path, WIDTHS)
    commit(one, range(4))
    assert two.find(keys(range(6))).found.tolist() == [True] * 4 + [False] * 2
    commit(two, range(4, 6))
    np.testing.assert_array_equal(one.gather(one.find(keys(range(6))), "projected"), values(range(6)))


def test_rows_that_are_missing_or_dead_are_nan_and_say_why(tmp_path: Path) -> None:
    table = FeatureTable(tmp_path, WIDTHS)
    alive = np.array([True, False])
    table.commit(keys(range(2)), {"projected": values(range(2))}, alive, {1: "no image"})
    located = table.find(keys(range(3)))
    assert located.found.tolist() == [True, True, False]
    assert table.readable(located).tolist() == [True, False, False]
    assert table.reasons(located) == {1: "no image"}
    np.testing.assert_array_equal(np.isnan(table.gather(located, "projected")).all(axis=1), [False, True, True])


def test_processes_that_write_the_same_and_other_rows_at_once(tmp_path: Path) -> None:
    processes = [writer(tmp_path, first, first + 200) for first in (0, 0, 100, 300)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    table = FeatureTable(tmp_path, WIDTHS)
    np.testing.assert_array_equal(table.gather(table.find(keys(range(500))), "projected"), values(range(500)))
    assert table.corrupt == []


def test_whatever_a_killed_writer_had_committed_is_there_and_whole(tmp_path: Path) -> None:
    rng = random.Random(3)
    for attempt in range(6):
        first = 100_000 * attempt
        process = writer(tmp_path, first, first + 100_000)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        told = process.communicate()[0].split()
        committed = range(first, int(told[-1]) if told else first + 5)
        table = FeatureTable(tmp_path, WIDTHS)
        # Up to one shard more than it lived to tell of; never less, never half of one.
        after = range(committed.stop, committed.stop + 10)
        assert table.find(keys(after)).found.tolist() in ([False] * 10, [True] * 5 + [False] * 5)
        np.testing.assert_array_equal(table.gather(table.find(keys(committed)), "projected"), values(committed))
        assert table.corrupt == []


def test_a_damaged_shard_is_moved_aside_once_and_only_its_rows_are_gone(tmp_path: Path) -> None:
    table = FeatureTable(tmp_path, WIDTHS)
    commit(table, range(3))
    (victim,) = tmp_path.glob("*.safetensors")
    commit(table, range(3, 6))
    data = bytearray(victim.read_bytes())
    data[-1] ^= 1
    victim.write_bytes(data)
    table = FeatureTable(tmp_path, WIDTHS)
    assert table.find(keys(range(6))).found.tolist() == [False] * 3 + [True] * 3
    assert [path.name for path in table.corrupt] == [victim.name + ".corrupt"]
    assert table.corrupt[0].exists() and not victim.exists()
    commit(table, range(3))
    assert table.find(keys(range(6))).found.all()
    assert FeatureTable(tmp_path, WIDTHS).find(keys(range(6))).found.all()


def test_a_shard_that_is_cut_short_while_it_is_mapped_ends_no_process(tmp_path: Path) -> None:
    table = FeatureTable(tmp_path, WIDTHS)
    commit(table, range(1000))
    (victim,) = tmp_path.glob("*.safetensors")
    located = table.find(keys(range(1000)))
    os.truncate(victim, 0)
    with pytest.raises(CacheError, match=r"0 bytes long, and \d+ when it was opened.*again"):
        table.gather(located, "projected")
    assert not table.find(keys(range(1000))).found.any()
    assert [path.name for path in table.corrupt] == [victim.name + ".corrupt"]


def test_damage_elsewhere_costs_nothing_until_its_rows_are_wanted(tmp_path: Path) -> None:
    table = FeatureTable(tmp_path, WIDTHS)
    commit(table, range(3))
    (victim,) = tmp_path.glob("*.safetensors")
    commit(table, range(3, 6))
    data = bytearray(victim.read_bytes())
    data[-40] ^= 1
    victim.write_bytes(data)
    table = FeatureTable(tmp_path, WIDTHS)
    assert table.find(keys(range(3, 6))).found.all()
    assert table.corrupt == []
    assert not table.find(keys(range(3))).found.any()
    assert len(table.corrupt) == 1


def test_a_shard_of_another_width_is_refused_by_name(tmp_path: Path) -> None:
    commit(FeatureTable(tmp_path, WIDTHS), range(3))
    with pytest.raises(CacheError, match=r"safetensors: has columns of shape"):
        FeatureTable(tmp_path, {"projected": 4}).find(keys(range(3)))


def test_pruned_under_a_reader_and_a_writer(tmp_path: Path) -> None:
    table = FeatureTable(tmp_path / "t", WIDTHS)
    commit(table, range(3))
    located = table.find(keys(range(3)))
    shutil.rmtree(tmp_path / "t")
    np.testing.assert_array_equal(table.gather(located, "projected"), values(range(3)))
    assert not table.find(keys(range(3))).found.any()
    commit(table, range(2))
    assert table.find(keys(range(3))).found.tolist() == [True, True, False]


def test_a_disk_that_fills_up_keeps_what_was_committed(tmp_path: Path) -> None:
    """On a real file system of 200 kB, in a mount namespace of its own."""
    prefix = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
    folder = tmp_path / "disk"
    folder.mkdir()
    probe = f"mount -t tmpfs -o size=200k none {folder}"
    if shutil.which("unshare") is None or subprocess.run([*prefix, probe], capture_output=True, check=False).returncode:
        pytest.skip("this system lets no user mount a small tmpfs in a namespace (unshare --user --mount)")
    script = 'mount -t tmpfs -o size=200k none "$0"; out="$1"; shift; "$@"; code=$?; cp -r "$0" "$out"; exit $code'
    process = writer(folder, 0, 100_000, 500, (*prefix, script, str(folder), str(tmp_path / "kept")))
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    last = errors.strip().splitlines()[-1]
    assert "CacheError" in last and str(folder) in last
    assert "no space left" in last and "WORKBENCH_CACHE" in last
    committed = range(int(out.split()[-1]))
    assert len(committed) >= 500
    table = FeatureTable(tmp_path / "kept", WIDTHS)
    np.testing.assert_array_equal(table.gather(table.find(keys(committed)), "projected"), values(committed))
    assert not table.find(keys(range(committed.stop, committed.stop + 500))).found.any()
    assert not list((tmp_path / "kept").glob(".*.tmp"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_only_be_read_serves_and_ignores_damage(tmp_path: Path) -> None:
    table = FeatureTable(tmp_path / "t", WIDTHS)
    commit(table, range(3))
    (victim,) = (tmp_path / "t").glob("*.safetensors")
    commit(table, range(3, 6))
    victim.write_bytes(b"damaged")
    (tmp_path / "t").chmod(0o500)
    try:
        table = FeatureTable(tmp_path / "t", WIDTHS)
        assert table.find(keys(range(6))).found.tolist() == [False] * 3 + [True] * 3
        with pytest.raises(CacheError, match="cannot be written"):
            commit(table, range(3))
    finally:
        (tmp_path / "t").chmod(0o700)


def test_threads_that_share_a_table_check_a_shard_once_and_set_damage_aside_once(tmp_path, monkeypatch):
    commit(FeatureTable(tmp_path, WIDTHS), range(4))
    commit(FeatureTable(tmp_path, WIDTHS), range(4, 8))
    damaged = sorted(tmp_path.glob("*.safetensors"))[0]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x7f")
    hashed, real = [], xxhash.xxh3_128_hexdigest

    def slow(data):
        hashed.append(1)
        time.sleep(0.05)
        return real(data)

    monkeypatch.setattr(xxhash, "xxh3_128_hexdigest", slow)
    table = FeatureTable(tmp_path, WIDTHS)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: table.find(keys(range(8))).found.sum(), range(4)))
    assert found == [4, 4, 4, 4]
    assert len(hashed) == 2
    assert len(table.corrupt) == 1


def test_what_is_larger_than_a_share_of_memory_is_gathered_in_a_file(tmp_path, monkeypatch):
    table = FeatureTable(tmp_path / "table", {"x": 3})
    keys = np.random.default_rng(0).integers(1, 256, (50, 32), dtype=np.uint8)
    values = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    for part in (slice(0, 30), slice(30, 48)):
        table.commit(keys[part], {"x": values[part]})
    order = np.random.default_rng(2).permutation(50)
    in_memory = table.gather(table.find(keys[order]), "x")
    monkeypatch.setattr("workbench.features._scratch.SHARE", 0.0)
    on_disk = table.gather(table.find(keys[order]), "x")
    assert isinstance(on_disk.base, np.memmap)
    np.testing.assert_array_equal(on_disk, in_memory)
    assert np.isnan(on_disk[order >= 48]).all()
    assert [path.suffix for path in (tmp_path / "table").iterdir()] == [".safetensors"] * 2
    monkeypatch.setattr("os.posix_fallocate", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CacheError, match=r"gathered in cannot be made there \(No space left.*WORKBENCH_CACHE"):
        table.gather(table.find(keys[order]), "x")
