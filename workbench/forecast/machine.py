"""What this process has used so far of the machine."""

import sys
import time
from pathlib import Path


def process_seconds() -> float:
    """Time since this process was started; 0 where that cannot be known."""
    try:
        import os

        # The name, in parentheses, may hold spaces.
        ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def peak_memory() -> float:
    """The most memory that this process has had, bytes; 0 where that cannot be known."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def gpu_memory(device: str) -> float:
    """The most memory of a GPU that this process has held, bytes; 0 on a CPU."""
    if not device.startswith("cuda"):
        return 0.0
    import torch

    return float(torch.cuda.max_memory_reserved(device))


def gpus_of(device: str, workers: int, *, whole_cells: bool) -> int:
    """How many GPUs are used: one for each worker, as far as there are so many."""
    if not device.startswith("cuda"):
        return 0
    import torch

    return workers if whole_cells else max(1, min(workers, torch.cuda.device_count()))
