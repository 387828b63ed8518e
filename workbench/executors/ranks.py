"""Processes that fit one run together, each on a GPU of its own.

The first makes runs like any other worker. Before it fits a batch it tells the rest, which fit the same; where a
network is trained each takes its share of every batch of images (see `training.group`), and what the rest end with is
dropped. They meet through a file in the job's folder and the loopback interface: nothing listens on a network.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from workbench.executors.worker import Worker
from workbench.runs.execution import Batch

_CPU = torch.device("cpu")
_RECORDING_SECONDS = 60.0
_PATIENCE = timedelta(days=30)
"""A rank waits for the first one, which may have hours of other work. If one ends, the rest are ended."""


@contextmanager
def joined(meeting: Path, rank: int, size: int) -> Iterator[None]:
    """Within the block this process is one of a group.

    Args:
        meeting: A file that does not exist yet; the same for all.
        rank: 0 to `size` - 1.
        size: Number of processes.
    """
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    os.environ.setdefault("NCCL_SOCKET_IFNAME", "lo")
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    dist.init_process_group(backend, f"file://{meeting}", _PATIENCE, world_size=size, rank=rank)
    try:
        yield
    finally:
        dist.destroy_process_group()


class Lead:
    """What the first process does about the rest.

    Attributes:
        is_broken: A fit ended with an error here, so that nobody knows how far the rest are: all must end.
    """

    def __init__(self) -> None:
        self.is_broken = False

    @contextmanager
    def fitting(self, batch: Batch) -> Iterator[None]:
        """Have the rest fit a batch, too."""
        dist.broadcast_object_list([[run.key for run in batch]], src=0, device=_CPU)
        try:
            yield
        except BaseException:
            self.is_broken = True
            raise


def follow(worker: Worker) -> None:
    """Be one of the rest, until it fails: the first process may have failed of the same, and has to record that."""
    told: list[Any] = [None]
    try:
        while True:
            dist.broadcast_object_list(told, src=0, device=_CPU)
            worker.fit_along(told[0])
    except Exception:
        time.sleep(_RECORDING_SECONDS)
        raise
