"""Folders that are made once, by one process, and of which every file is still what was written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from workbench.files import CORRUPT, checksum_of_file, read_sealed, set_aside, write_sealed

PART = ".part"
"""What names of folders end in that are being made; they begin with a dot."""
_INVENTORY = ".inventory"


def make_once(folder: Path, write: Callable[[Path], None]) -> bool:
    """See that `folder` is there and whole; where it is not, `write` fills it.

    Several processes may ask at once: one writes, the others wait. The folder appears in one step, so that a process
    that dies leaves nothing that could be taken for it. A damaged folder is moved aside, and that is logged.

    Args:
        folder: Where; its name determines the content.
        write: Fills an empty folder beside it, which is then renamed. Files follow the umask.

    Returns:
        Whether it was made by this call.

    Raises:
        OSError: The place cannot be written.
    """
    if is_whole(folder):
        return False
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.with_name(f"{folder.name}.lock")
    with FileLock(path, mode=0o666):
        if is_whole(folder):
            return False
        work = folder.with_name(f".{folder.name}{PART}")
        shutil.rmtree(work, ignore_errors=True)  # Left by a process that was killed: the lock is ours.
        work.mkdir()
        try:
            write(work)
            _share(work)
            _write_inventory(work)
            if folder.exists():
                set_aside(folder)
            work.replace(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        # Whoever waits for it finds the folder whole, and so does whoever makes a new lock.
        path.unlink(missing_ok=True)
    return True


def is_being_made(part: Path) -> bool:
    """Whether a process is filling this working folder of `make_once`."""
    from filelock import FileLock, Timeout

    lock = part.with_name(part.name.removeprefix(".").removesuffix(PART) + ".lock")
    try:
        if lock.exists():
            with FileLock(lock, timeout=0):
                pass
    except (Timeout, OSError):
        return True
    return False


def is_whole(folder: Path) -> bool:
    """Whether a folder that `make_once` made has its files, and no others, as they were written.

    Files of the same size and time are taken to be the same; `damaged_files` reads them.
    """
    known, files = _inventory(folder), _files(folder)
    if known is None or known.keys() != files.keys():
        return False
    return all(_stamp(files[name]) == known[name][:2] or _is_same(folder, name, known) for name in known)


def damaged_files(folder: Path) -> list[Path]:
    """Files of a folder of `make_once` whose content is no longer what was written; reads all of them."""
    known = _inventory(folder) or {}
    return [folder / name for name in known if not _is_same(folder, name, known)]


def is_made_folder(folder: Path) -> bool:
    """Whether `make_once` made a folder, as it was written or not; those that were moved aside are none."""
    return (folder / _INVENTORY).is_file() and CORRUPT not in folder.name


def _files(folder: Path) -> dict[str, Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path for path in found}


def _share(work: Path) -> None:
    """Let every file be read by whom the umask lets read: some libraries write for their owner alone."""
    allowed = work.stat().st_mode & 0o777
    for path in work.rglob("*"):
        if path.is_symlink():
            continue  # What it leads to is not ours.
        path.chmod(allowed if path.is_dir() else allowed & 0o666)


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _write_inventory(folder: Path) -> None:
    known = {}
    for name, path in _files(folder).items():
        known[name] = (*_stamp(path), checksum_of_file(path))
    write_sealed(folder / _INVENTORY, json.dumps(known).encode())


def _inventory(folder: Path) -> dict[str, tuple[int, int, str]] | None:
    try:
        content = read_sealed(folder / _INVENTORY)
    except OSError:
        return None
    if content is None:
        return None
    return {name: (size, time, digest) for name, (size, time, digest) in json.loads(content).items()}


def _is_same(folder: Path, name: str, known: dict[str, tuple[int, int, str]]) -> bool:
    try:
        return checksum_of_file(folder / name) == known[name][2]
    except OSError:
        return False
