"""The cache's files: written whole, their leftovers removed, and every failure one sentence."""

import contextlib
import errno
import time
from pathlib import Path

from workbench import files
from workbench.errors import WorkbenchError
from workbench.files import TEMPORARY

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
    try:
        files.write_atomically(path, data)
    except OSError as error:
        raise CacheError(_sentence(path.parent, len(data), error)) from error


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


def _sentence(folder: Path, size: int, error: OSError) -> str:
    if error.errno in _FULL:
        return (
            f"{folder}: no space left for {size / 1e6:.1f} MB ({error.strerror}). Free some (workbench cache prune) or "
            f"set WORKBENCH_CACHE to a folder on another disk; what was committed before is kept."
        )
    return (
        f"{folder}: cannot be written ({error.strerror or error}). Set WORKBENCH_CACHE to a folder that you may write."
    )
