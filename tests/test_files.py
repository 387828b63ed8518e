"""What the workbench writes is whole, and damage to it does not go unseen."""

import os
import random
from pathlib import Path

import pytest

from workbench.files import checksum, checksum_of_file, read_sealed, write_atomically, write_sealed


def test_what_is_sealed_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file"
    assert read_sealed(path) is None
    for content in (b"", b"one\n\x00two", os.urandom(100_000)):
        write_sealed(path, content)
        assert read_sealed(path) == content
    assert list(path.parent.iterdir()) == [path]


def test_no_flipped_bit_goes_unseen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, content = tmp_path / "file", b"some content"
    write_sealed(path, content)
    whole = path.read_bytes()
    for position in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[position // 8] ^= 1 << position % 8
        path.write_bytes(flipped)
        assert read_sealed(path) is None
        assert not path.exists()
    assert "was moved aside" in caplog.text
    assert (tmp_path / "file.corrupt").exists()


def test_no_part_of_a_file_passes_for_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_sealed(path, b"0123456789")
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert read_sealed(path) is None
    path.write_bytes(whole + b"x")
    assert read_sealed(path) is None


def test_the_umask_says_who_may_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_the_checksum_of_a_large_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    data = random.Random(0).randbytes(3_000_001)
    (tmp_path / "file").write_bytes(data)
    assert checksum_of_file(tmp_path / "file") == checksum(data)
