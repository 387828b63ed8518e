"""Folders that are made once, by one process, and whose files are checked for damage."""

import json
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from workbench.files import CORRUPT, checksum_of_file, read_sealed, set_aside, write_sealed
from workbench.locks import locked, takes_locks

PART = ".part"
"""Suffix of folders that are being made, whose names begin with a dot."""
_INVENTORY = ".inventory"
_STALE_SECONDS = 3600.0


def make_once(folder: Path, write: Callable[[Path], None]) -> bool:
    """Make `folder` with `write`, unless it is there and whole.

    Several processes may ask at once: one writes, the others wait. The folder appears in one step, so that a process
    that dies leaves no folder of that name. A damaged folder is moved aside, and that is logged.

    Args:
        folder: The folder; its name determines the content.
        write: Fills an empty folder beside it, which is then renamed. Files follow the umask.

    Returns:
        Whether it was made by this call.

    Raises:
        OSError: The place cannot be written.
    """
    if is_whole(folder):
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.with_name(f"{folder.name}.lock")
    with locked(path, mode=0o666):
        if is_whole(folder):
            return False
        own = "" if takes_locks() else f".{uuid.uuid4().hex}"  # Another machine may fill one of its own.
        work = folder.with_name(f".{folder.name}{own}{PART}")
        shutil.rmtree(work, ignore_errors=True)  # From a process that was killed: the lock is ours.
        work.mkdir()
        try:
            write(work)
            _share(work)
            _write_inventory(work)
            if not takes_locks() and is_whole(folder):
                return False  # Another machine was faster.
            if folder.exists():
                set_aside(folder)
            work.replace(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        # Processes that wait for this lock, or make a new one, find the folder whole.
        path.unlink(missing_ok=True)
    return True


def is_being_made(part: Path) -> bool:
    """Whether a process is filling this working folder of `make_once`."""
    from filelock import Timeout

    lock = part.with_name(part.name.removeprefix(".").removesuffix(PART) + ".lock")
    try:
        if not lock.exists():  # A machine that takes no locks makes it, or did.
            newest = max(path.stat().st_mtime for path in (part, *part.rglob("*")))
            return time.time() - newest < _STALE_SECONDS
        with locked(lock, timeout=0):
            pass
    except (Timeout, OSError):
        return True
    return False


def is_whole(folder: Path) -> bool:
    """Whether a folder of `make_once` has its files, and no others, as they were written.

    Files of the same size and time are taken to be the same; `damaged_files` reads them.
    """
    inventory, files = _inventory(folder), _files(folder)
    if inventory is None or inventory.keys() != files.keys():
        return False
    return all(_stamp(files[name]) == inventory[name][:2] or _is_same(folder, name, inventory) for name in inventory)


def damaged_files(folder: Path) -> list[Path]:
    """Files of a folder of `make_once` whose content is no longer what was written; reads all of them."""
    inventory = _inventory(folder) or {}
    return [folder / name for name in inventory if not _is_same(folder, name, inventory)]


def is_made_folder(folder: Path) -> bool:
    """Whether `make_once` made a folder, whole or not; those that were moved aside do not count."""
    return (folder / _INVENTORY).is_file() and CORRUPT not in folder.name


def _files(folder: Path) -> dict[str, Path]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _share(work: Path) -> None:
    """Set every file's permissions by the umask: some libraries write for their owner alone."""
    allowed = work.stat().st_mode & 0o777
    for path in work.rglob("*"):
        if path.is_symlink():
            continue  # Its target is not ours.
        path.chmod(allowed if path.is_dir() else allowed & 0o666)


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _write_inventory(folder: Path) -> None:
    inventory = {}
    for name, path in _files(folder).items():
        inventory[name] = (*_stamp(path), checksum_of_file(path))
    write_sealed(folder / _INVENTORY, json.dumps(inventory).encode())


def _inventory(folder: Path) -> dict[str, tuple[int, int, str]] | None:
    try:
        content = read_sealed(folder / _INVENTORY)
    except OSError:
        return None
    if content is None:
        return None
    return {name: (size, time, digest) for name, (size, time, digest) in json.loads(content).items()}


def _is_same(folder: Path, name: str, inventory: dict[str, tuple[int, int, str]]) -> bool:
    try:
        return checksum_of_file(folder / name) == inventory[name][2]
    except OSError:
        return False
