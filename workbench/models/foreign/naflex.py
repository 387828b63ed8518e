"""SigLIP 2 in its NaFlex form: patches of a picture in its own proportions, as many as fit.

Tschannen et al., "SigLIP 2" (2025). Everything else here takes pictures of one size, so the patches and the shape of
their grid travel in an array of one size.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.models.foreign.preprocessing import Preprocess
from workbench.models.foreign.towers import ImageTower

if TYPE_CHECKING:
    from PIL.Image import Image

FROZEN = "it takes patches of pictures in their own proportions (NaFlex), which training here does not make"
_DIGITS = 64
"""Heights and widths are written in two digits, since half precision does not hold every larger number."""


class NaFlexPreprocess(Preprocess):
    """RGB image to float32 (3, patches * side + 1, side): its patches, and in the last row the shape of their grid."""

    def __call__(self, image: "Image") -> Tensor:
        """See `LoadedModel.preprocess`."""
        made = self.inputs(image)
        patches: Tensor = made["pixel_values"][0].float()
        side = int(self.processor.patch_size)
        packed = torch.zeros(3, len(patches) * side + 1, side)
        packed[:, :-1] = patches.reshape(3, -1, side)
        height, width = made["spatial_shapes"][0].tolist()
        digits = [height // _DIGITS, height % _DIGITS, width // _DIGITS, width % _DIGITS]
        packed[0, -1, : len(digits)] = torch.tensor(digits, dtype=torch.float32)
        return packed

    def on_pixels(self) -> Any:
        """None: there is no such thing on 8-bit pixels."""
        return None


class NaFlexTower(ImageTower):
    """An image tower that is given packed patches.

    Args:
        transformer: See `ImageTower`.
        side: Of a patch, in pixels.
    """

    def __init__(self, transformer: nn.Module, side: int) -> None:
        super().__init__(transformer, None)
        self._side = side

    def pooled(self, pixels: Tensor) -> Tensor:
        """See `ImageTower.pooled`."""
        patches = pixels[:, :, :-1].reshape(len(pixels), -1, 3 * self._side**2)
        digits = pixels[:, 0, -1, :4].round().long()
        shapes = torch.stack([digits[:, 0] * _DIGITS + digits[:, 1], digits[:, 2] * _DIGITS + digits[:, 3]], dim=1)
        # A blank array, which only tries what the network takes, stands for a square.
        square = int(patches.shape[1] ** 0.5)
        shapes = torch.where(shapes.prod(dim=1, keepdim=True) > 0, shapes, square)
        places = torch.arange(patches.shape[1], device=pixels.device)
        mask = (places < shapes.prod(dim=1)[:, None]).long()
        output: Any = self.transformer(pixel_values=patches, pixel_attention_mask=mask, spatial_shapes=shapes)
        return output.pooler_output  # type: ignore[no-any-return]
