"""Build networks without drawing the random weights that a checkpoint then replaces."""

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_ATEN = torch.ops.aten
# The last is a part of drawing from a truncated normal distribution, and slow.
_FILL = (_ATEN.normal_.default, _ATEN.uniform_.default, _ATEN.erfinv_.default)


def uninitialised() -> AbstractContextManager[object]:
    """Within it, tensors that would be filled with random values stay as memory happens to be.

    Only for networks whose parameters and buffers are all loaded afterwards (`load_state_dict(..., strict=True)`).
    Drawing them takes longer than reading a checkpoint: 0.9 of 1.2 seconds of building a ViT-B-32.
    """
    return _NoFilling()  # type: ignore[no-untyped-call]


class _NoFilling(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _FILL:
            return args[0]
        if func is _ATEN.randn.default:
            return _ATEN.empty.memory_format(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))
