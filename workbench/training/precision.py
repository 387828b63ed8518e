"""Device and precision that a network is trained and applied with."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor, nn

from workbench.models import native_bf16, to_device


@dataclass(frozen=True)
class Compute:
    """A device and the dtype of its matrix products; weights stay fp32.

    Attributes:
        device: `cpu` or `cuda:n`.
        precision: `fp32` or `bf16`.
    """

    device: str
    precision: Literal["fp32", "bf16"]

    @classmethod
    def resolve(cls, device: str, setting: str, run: str) -> Self:
        """Decide on a precision.

        Args:
            device: Resolved torch device.
            setting: `auto`, `fp32` or `bf16`.
            run: Precision of the run's features, which `auto` follows. fp16 gives bf16 where the device has it, else
                fp32: without loss scaling fp16 gradients underflow.
        """
        precision = run if setting == "auto" else setting
        if precision == "fp16":
            precision = "bf16" if native_bf16(device) else "fp32"
        return cls(device, "bf16" if precision == "bf16" else "fp32")

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a CUDA device."""
        return self.device.startswith("cuda")

    def autocast(self) -> AbstractContextManager[object]:
        """Autocast to the precision; does nothing at fp32."""
        enabled = self.precision == "bf16"
        return torch.autocast("cuda" if self.on_gpu else "cpu", dtype=torch.bfloat16, enabled=enabled)

    def place(self, network: nn.Module) -> None:
        """Move a network to the device.

        On a CPU in bf16, depthwise convolutions with a stride stay in fp32: their bf16 gradient is so slow there that
        EfficientNet-Lite0 would train at 44 instead of 80 images a second (2 cores with avx512_bf16).
        """
        to_device(network, self.device)
        if self.precision == "bf16" and not self.on_gpu:
            for module in network.modules():
                if isinstance(module, nn.Conv2d) and module.groups > 1 and max(module.stride) > 1:
                    module.forward = _in_fp32(module.forward)  # type: ignore[method-assign,assignment]

    def images(self, pixels: Tensor) -> Tensor:
        """Move (n, 3, h, w) to the device, channels last."""
        return pixels.to(self.device, non_blocking=True).contiguous(memory_format=torch.channels_last)


def _in_fp32(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def exact(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return forward(x.float())

    return exact
