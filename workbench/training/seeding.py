"""Seed torch for a while and leave no trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: str = "cpu") -> Iterator[None]:
    """Within the block torch's random numbers come from `seed`; afterwards they go on as if nothing had happened.

    Args:
        seed: Seeds the CPU's generator and, where `device` is a GPU, that one's.
        device: `cpu` or `cuda:n`.
    """
    devices = [torch.device(device)] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield
