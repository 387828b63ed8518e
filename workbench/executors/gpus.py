"""Share the GPUs of this machine out to workers."""

import os
from collections.abc import Sequence

from workbench.errors import WorkbenchError
from workbench.formatting import counted


def shares(workers: int, device: str) -> list[str | None]:
    """`CUDA_VISIBLE_DEVICES` of each worker, in turn; None where there is nothing to share.

    Args:
        workers: Number of workers.
        device: The resolved device: `cuda:0` stands for all GPUs that are visible, any other for itself.
    """
    if not device.startswith("cuda"):
        return [None] * workers
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    names = [name.strip() for name in visible.split(",")] if visible else [str(i) for i in range(_count())]
    chosen = int(device.partition(":")[2] or 0)
    names = names[chosen : chosen + 1] if chosen else names
    return [names[i % len(names)] for i in range(workers)]


def check_ranks(given: Sequence[Sequence[str | None]], ranks: int) -> None:
    """Refuse to let two processes that train together have one GPU, where they could not talk to one another.

    Raises:
        WorkbenchError: It says how many GPUs there are.
    """
    for names in given:
        if None not in names and len(set(names)) < ranks:
            raise WorkbenchError(
                f"--data-parallel {ranks}: {counted(len(set(names)), 'GPU')} visible, and each process needs one "
                "of its own; lower it, or see CUDA_VISIBLE_DEVICES."
            )


def _count() -> int:
    import torch

    return torch.cuda.device_count()
