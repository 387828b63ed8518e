"""Devices and precisions, decided without importing torch where that is possible."""

from functools import cache
from pathlib import Path

from workbench.errors import ModelError
from workbench.settings import Precision

CPUINFO = Path("/proc/cpuinfo")


@cache
def resolve_device(device: str) -> str:
    """`cpu` or `cuda:n` for `auto`, `cpu`, `cuda`, `cuda:n`.

    Raises:
        ModelError: CUDA was asked for and this machine, or this build of torch, has none.
    """
    if device == "cpu":
        return device
    # Without a driver there is no need to import torch to know.
    if device == "auto" and not Path("/proc/driver/nvidia").exists() and not Path("/dev/dxg").exists():
        return "cpu"
    import torch

    if not torch.cuda.is_available():
        if device == "auto":
            return "cpu"
        raise ModelError(f"--device {device}: torch sees no CUDA device here; use --device cpu.")
    index = int(device.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise ModelError(f"--device {device}: there are only {torch.cuda.device_count()} CUDA devices.")
    return f"cuda:{index}"


@cache
def resolve_precision(precision: Precision, device: str) -> str:
    """`fp32`, `bf16` or `fp16`; `auto` takes bf16 where the device computes it natively.

    Args:
        precision: As asked for.
        device: Resolved device.
    """
    if precision == "auto":
        return "bf16" if native_bf16(device) else "fp32"
    if precision == "fp16" and device == "cpu":
        raise ModelError("--precision fp16 needs a CUDA device; use bf16 or fp32 on the CPU.")
    return precision


@cache
def native_bf16(device: str) -> bool:
    """Whether the device has bfloat16 matrix units, rather than emulating them."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_capability(device) >= (8, 0)
    try:
        flags = CPUINFO.read_text(encoding="ascii", errors="ignore").split()
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)
