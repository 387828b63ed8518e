"""Files that appear whole or not at all."""

import contextlib
import errno
import os
import time
import uuid
from pathlib import Path

from workbench.errors import WorkbenchError

TEMPORARY = ".tmp"
_STALE_SECONDS = 3600.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class CacheError(WorkbenchError):
    """The cache folder cannot be written or read back."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file that other processes see whole or not at all, and that survives a crash once this returns.

    Args:
        path: Its folder is made if needed; an existing file is replaced.
        data: The content.

    Raises:
        CacheError: No space, no permission, or a failing disk; nothing is left behind.
    """
    temporary = path.parent / f".{uuid.uuid4().hex}{TEMPORARY}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise CacheError(_sentence(path.parent, len(data), error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_stale_temporaries(folder: Path) -> int:
    """Delete what killed processes left half-written, and return how many bytes that freed.

    A live process writes a temporary file in seconds, so age tells a dead one's, on whatever host it ran.
    """
    freed = 0
    for path in stale_temporaries(folder):
        with contextlib.suppress(OSError):
            size = path.stat().st_size
            path.unlink()
            freed += size
    return freed


def stale_temporaries(folder: Path) -> list[Path]:
    """Temporary files in `folder` that nobody writes any more."""
    old = []
    for path in folder.glob(f".*{TEMPORARY}"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                old.append(path)
    return old


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; only POSIX lets a folder be opened for that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sentence(folder: Path, size: int, error: OSError) -> str:
    if error.errno in _FULL:
        return (
            f"{folder}: no space left for {size / 1e6:.1f} MB ({error.strerror}). Free some (workbench cache prune) or "
            f"set WORKBENCH_CACHE to a folder on another disk; what was committed before is kept."
        )
    return (
        f"{folder}: cannot be written ({error.strerror or error}). Set WORKBENCH_CACHE to a folder that you may write."
    )
