"""Locks hold processes of one machine apart, are left out where nobody can rely on them, and are taken in one place."""

import errno
import threading
from pathlib import Path

import filelock
import pytest

from workbench import locks
from workbench.folders import is_being_made, make_once
from workbench.locks import go_without_locks, locked


@pytest.fixture
def without(monkeypatch):
    monkeypatch.setattr(locks._State, "without", False)
    return go_without_locks


def test_a_lock_is_held_by_one(tmp_path):
    with locked(tmp_path / "a.lock"), pytest.raises(filelock.Timeout), locked(tmp_path / "a.lock", timeout=0):
        pass
    with locked(tmp_path / "a.lock", timeout=0):
        pass


def test_a_process_of_several_machines_takes_none_and_makes_folders_whole_all_the_same(tmp_path, without):
    without()
    began, go_on = threading.Event(), threading.Event()

    def slowly(folder):
        (folder / "a").write_text("slow")
        began.set()
        go_on.wait(10)

    slow = threading.Thread(target=make_once, args=(tmp_path / "data", slowly))
    slow.start()
    assert began.wait(10)
    assert [is_being_made(part) for part in tmp_path.glob(".*.part")] == [True]
    assert make_once(tmp_path / "data", lambda folder: (folder / "a").write_text("quick") and None)
    go_on.set()
    slow.join()
    assert (tmp_path / "data" / "a").read_text() == "quick"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


@pytest.mark.parametrize("error", [NotImplementedError(), OSError(errno.ENOLCK, "No locks available")])
def test_a_file_system_without_locks_is_used_without(tmp_path, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with locked(tmp_path / "a.lock"):
        pass


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError), locked(tmp_path / "file" / "a.lock"):
        pass


def test_all_locks_are_taken_there():
    package = Path(locks.__file__).parent
    users = [path.name for path in package.rglob("*.py") if "FileLock" in path.read_text(encoding="utf-8")]
    assert users == ["locks.py"]
