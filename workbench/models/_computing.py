"""The settings of torch under which features of a precision are computed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

_cudnn_flags = threading.RLock()
"""They hold for the whole process: a thread that ends must not set back what another computes with."""


_streams = threading.local()


@contextmanager
def own_stream(device: str) -> Iterator[None]:
    """On CUDA, compute on a stream of this thread, so that its copies overlap with what other threads compute.

    Args:
        device: `cpu` or `cuda:n`.
    """
    if not device.startswith("cuda"):
        yield
        return
    by_device: dict[str, torch.cuda.Stream] = _streams.__dict__
    if device not in by_device:
        by_device[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    # Weights were moved and cast on the default stream, which others do not wait for unless told.
    by_device[device].wait_stream(torch.cuda.default_stream(device))
    with torch.cuda.stream(by_device[device]):
        yield


@contextmanager
def computing(device: str, precision: str, *, autocast: bool = False) -> Iterator[None]:
    """Inference at a precision; fp32 means fp32, not the TF32 that cuDNN takes for convolutions unless told.

    Args:
        device: `cpu` or `cuda:n`.
        precision: `fp32`, `bf16` or `fp16`.
        autocast: Cast fp32 weights at each call, where they are not of that precision already.
    """
    exact = precision == "fp32"
    with (
        _cudnn_flags if device.startswith("cuda") else nullcontext(),
        torch.inference_mode(),
        torch.autocast(device.partition(":")[0], dtype=DTYPES[precision], enabled=autocast and not exact),
        torch.backends.cudnn.flags(
            enabled=torch.backends.cudnn.enabled,
            benchmark=torch.backends.cudnn.benchmark,
            deterministic=torch.backends.cudnn.deterministic,
            allow_tf32=not exact and torch.backends.cudnn.allow_tf32,
        ),
    ):
        yield
