"""The memory that this process may use, and keeping what is freed for the next batch."""

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tell glibc's allocator to reuse large blocks, for the rest of the process.

    This changes the whole process, so only the functions that start one call it: `workbench.cli.main` and
    `workbench.run`.

    By default it maps every block of more than 32 MB anew and unmaps it when freed, so that the kernel zeroes the pages
    of each large activation again for each batch. On 2 cores that took half of the time of training EfficientNet-Lite0
    and a third of the time of applying it.

    Returns:
        Whether the allocator took it; False where the C library is not glibc, and then nothing changes.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT))


@cache
def memory_limit() -> int:
    """Bytes that this process may use: the machine's memory, or what its container or job is granted of it."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")] if hasattr(os, "sysconf") else []
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path("/sys/fs/cgroup", name).read_text(encoding="ascii")))
        except (OSError, ValueError):  # No such limit.
            continue
    return min(limits, default=8 * 2**30)
