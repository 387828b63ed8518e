"""The image tower of a model in the precision of a run, its weights cast once.

Autocast casts them at every call, and keeps torch from its fused attention: on two cores a ViT-B-32 made 28 images a
second under autocast in bf16, and 130 with weights in bf16.
"""

import copy
import sys

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from workbench.models._computing import DTYPES, computing
from workbench.models._towers import image_features, projection_parameters
from workbench.models.loaded import LoadedModel

_LARGEST = 256
_TRIED = 8


class ImageTower:
    """Features of images at a precision, on a device.

    A network with an `image_features` of its own, or one that does not run with cast weights, is computed under
    autocast.

    Args:
        loaded: The model, fp32, on the device. It is not changed.
        device: `cpu` or `cuda:n`.
        precision: `fp32`, `bf16` or `fp16`.
    """

    def __init__(self, loaded: LoadedModel, device: str, precision: str) -> None:
        self._loaded = loaded
        self._device = device
        self._precision = precision
        self._most = sys.maxsize
        self._cast: nn.Module | None = None
        if precision != "fp32" and not hasattr(loaded.network, "image_features"):
            cast = cast_tower(loaded.network.get_submodule("visual"), DTYPES[precision])
            self._cast = cast if self._runs(cast) else None

    def __call__(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled and projected features, float32 on the device.

        A batch that is too large for the device's memory is halved until it fits, and so are all after it.

        Args:
            pixels: (n, 3, h, w), n at least 1, preprocessed: float32, or uint8 of `LoadedModel.pixel_transform`.

        Raises:
            torch.OutOfMemoryError: There is no room for one image.
        """
        parts: list[tuple[Tensor, Tensor]] = []
        start = 0
        while start < len(pixels):
            part = pixels[start : start + self._most]
            found = self._if_it_fits(part)
            if found is None:
                # Another thread may have found less room meanwhile.
                self._most = min(self._most, len(part) // 2)
                continue
            parts.append(found)
            start += len(part)
        if len(parts) == 1:
            return parts[0]
        return torch.cat([pooled for pooled, _ in parts]), torch.cat([projected for _, projected in parts])

    def batch_size(self) -> int:
        """Images in a pass: 64 on a CPU; on a GPU what half of its free memory takes, a power of two up to 256."""
        if not self._device.startswith("cuda"):
            return 64
        self._once(self._blank(1))  # What a library takes for itself at first is not the images'.
        before = torch.cuda.memory_allocated(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        self._once(self._blank(_TRIED))
        each = max(1, torch.cuda.max_memory_allocated(self._device) - before) // _TRIED
        free, _ = torch.cuda.mem_get_info(self._device)
        # Two batches are under way at a time.
        return int(min(_LARGEST, 2 ** max(0, int(free / 4 / max(1, each)).bit_length() - 1)))

    def _if_it_fits(self, pixels: Tensor) -> tuple[Tensor, Tensor] | None:
        try:
            return self._once(pixels)
        except torch.OutOfMemoryError:
            if len(pixels) <= 1:
                raise
        if self._device.startswith("cuda"):  # After the error is gone, which holds on to what the pass had made.
            torch.cuda.empty_cache()
        return None

    def _once(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        batch = pixels.to(self._device, non_blocking=True)
        if batch.dtype == torch.uint8:
            batch = self._loaded.normalise(batch)
        batch = batch.contiguous(memory_format=torch.channels_last)
        with computing(self._device, self._precision, autocast=self._cast is None):
            pooled, projected = self._features(batch)
        return pooled.float(), projected.float()

    def release(self) -> None:
        """Let go of the fp32 weights, if these are not what computes: the model's image tower is the cast one then."""
        if self._cast is not None:
            self._loaded.network.visual = self._cast

    def _features(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        if self._cast is None:
            return self._loaded.image_features(batch)
        return image_features(self._cast, batch.to(DTYPES[self._precision]))

    def _runs(self, cast: nn.Module) -> bool:
        """Whether every layer takes what the one before it gives: some convert to fp32 on their own."""
        blank = self._blank(1).to(self._device, DTYPES[self._precision], memory_format=torch.channels_last)
        try:
            with computing(self._device, self._precision):
                image_features(cast, blank)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, TypeError):
            return False
        return True

    def _blank(self, count: int) -> Tensor:
        return torch.zeros(count, 3, *self._loaded.image_size)


def cast_tower(visual: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy of an image tower with weights of a lower precision; what is not cast is shared with the original.

    In fp32 stay the projection into the joint space, batch normalisation, whose statistics eight bits of mantissa are
    too few for, and layers that say that they compute in fp32.

    Args:
        visual: The tower, fp32.
        dtype: The precision.
    """
    kept = {id(parameter) for parameter in projection_parameters(visual)}
    for module in visual.modules():
        if isinstance(module, _BatchNorm) or type(module).__name__.endswith("Fp32"):
            kept |= {id(tensor) for tensor in (*module.parameters(), *module.buffers())}
    copies: dict[int, object] = {}
    for tensor in (*visual.parameters(), *visual.buffers()):
        cast: Tensor = tensor
        if tensor.is_floating_point() and id(tensor) not in kept:
            cast = tensor.detach().to(dtype)
            cast = nn.Parameter(cast, requires_grad=False) if isinstance(tensor, nn.Parameter) else cast
        copies[id(tensor)] = cast
    return copy.deepcopy(visual, copies)
