import os
import time
from pathlib import Path

import pytest

from workbench.features._files import CacheError, remove_stale_temporaries, write_atomically


def test_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_in_the_way_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("in the way")
    with pytest.raises(CacheError, match=r"cannot be written.*WORKBENCH_CACHE"):
        write_atomically(tmp_path / "a" / "file", b"x")


def test_only_old_temporaries_go(tmp_path: Path) -> None:
    young, old, shard = (tmp_path / name for name in (".young.tmp", ".old.tmp", "kept.safetensors"))
    for path in (young, old, shard):
        path.write_bytes(b"12345")
    long_ago = time.time() - 100_000
    os.utime(old, (long_ago, long_ago))
    os.utime(shard, (long_ago, long_ago))
    assert remove_stale_temporaries(tmp_path) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == [".young.tmp", "kept.safetensors"]
