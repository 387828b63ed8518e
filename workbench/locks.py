"""Locks between processes of one machine; machines that share a disk take none, since locks cannot be relied on there.

What is written is whole with or without a lock; a lock only saves doing the same work twice.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class _State:
    without = False


def go_without_locks() -> None:
    """Take no lock in this process from now on: it is one of several machines' that work on a shared disk."""
    _State.without = True


def takes_locks() -> bool:
    """Whether this process takes locks."""
    return not _State.without


@contextmanager
def locked(path: Path, *, timeout: float = -1, mode: int = 0o644) -> Iterator[None]:
    """Hold a lock until the end of the block; none where the process takes none, or the disk's system has none.

    Args:
        path: The lock's file; its folder exists.
        timeout: Seconds to wait; -1 waits for as long as it takes.
        mode: Permissions of the file.

    Raises:
        filelock.Timeout: Another process holds it.
        OSError: The file cannot be written.
    """
    if _State.without:
        yield
        return
    from filelock import FileLock

    lock = FileLock(path, mode=mode)
    try:
        lock.acquire(timeout=timeout)
    except NotImplementedError:  # What filelock makes of a file system without locks.
        pass
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    try:
        yield
    finally:
        lock.release()
