"""A folder is made once, whole or not at all, and anew where it is damaged."""

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workbench.folders import damaged_files, is_whole, make_once


def write(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "one.txt").write_text("one")
    (folder / "inner" / "two.txt").write_text("two")


def test_made_once_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "made"
    assert make_once(folder, write)
    assert not make_once(folder, lambda _: pytest.fail("it is there"))
    assert sorted(path.name for path in folder.parent.iterdir()) == ["made"]
    assert (folder / "inner" / "two.txt").read_text() == "two"


@pytest.mark.parametrize("damage", ["other content", "other size", "gone", "one more", "no inventory", "bad inventory"])
def test_a_damaged_folder_is_moved_aside_and_made_anew(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "made"
    for _ in range(2):
        make_once(folder, write)
        file, inventory = folder / "inner" / "two.txt", folder / ".inventory"
        match damage:
            case "other content":
                file.write_text("TWO")
            case "other size":
                file.write_text("three")
            case "gone":
                file.unlink()
            case "one more":
                (folder / "three.txt").touch()
            case "no inventory":
                inventory.unlink()
            case _:
                inventory.write_bytes(inventory.read_bytes()[:-1])
        assert not is_whole(folder)
        assert make_once(folder, write)
        assert is_whole(folder)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "made.corrupt"]


def test_a_flipped_bit_of_the_same_size_and_time_is_found_by_reading(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    make_once(folder, write)
    assert damaged_files(folder) == []
    file = folder / "one.txt"
    stat = file.stat()
    file.write_text("onf")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert is_whole(folder)
    assert damaged_files(folder) == [file]


def test_a_copy_with_other_times_is_whole(tmp_path: Path) -> None:
    make_once(tmp_path / "made", write)
    shutil.copytree(tmp_path / "made", tmp_path / "copy", copy_function=shutil.copy)
    for path in (tmp_path / "copy").rglob("*.txt"):
        os.utime(path, (1, 1))
    assert is_whole(tmp_path / "copy")


def test_what_fails_or_was_killed_leaves_nothing(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        write(folder)
        raise ValueError("no")

    folder = tmp_path / "made"
    with pytest.raises(ValueError, match="no"):
        make_once(folder, fails)
    assert not folder.exists()
    (tmp_path / ".made.part").mkdir()  # As a killed process leaves it.
    (tmp_path / ".made.part" / "half").touch()
    make_once(folder, write)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert not (folder / "half").exists()


def test_one_writes_and_the_others_wait(tmp_path: Path) -> None:
    calls, began = [], threading.Event()

    def slowly(folder: Path) -> None:
        calls.append(folder)
        began.wait(0.05)
        write(folder)

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: make_once(tmp_path / "made", slowly), range(4)))
    assert sorted(made) == [False, False, False, True]
    assert len(calls) == 1


def test_everybody_may_read_whom_the_umask_lets(tmp_path: Path) -> None:
    def private(folder: Path) -> None:
        write(folder)
        (folder / "one.txt").chmod(0o600)

    before = os.umask(0o022)
    try:
        make_once(tmp_path / "made", private)
    finally:
        os.umask(before)
    assert (tmp_path / "made" / "one.txt").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o755
