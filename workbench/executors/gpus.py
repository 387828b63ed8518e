"""Share the GPUs of this machine out to workers."""

import os


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


def _count() -> int:
    import torch

    return torch.cuda.device_count()
