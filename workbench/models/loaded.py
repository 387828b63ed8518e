"""A network in memory, with what turns images and texts into its inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.models._texts import length_needed, text_features
from workbench.models._towers import image_features
from workbench.models.pixel_transform import PixelTransform, pixel_transform

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass
class LoadedModel:
    """A dual encoder, fp32 and in eval mode, free to be changed by its owner.

    Attributes:
        network: An open_clip model, or a module with `image_features(pixels)` and `encode_text(tokens)`.
        preprocess: The model's own evaluation transform: RGB image to float (3, h, w).
        tokenizer: Texts to int64 (n, context).
        image_size: (height, width) of the input.
        mean: Channel means of the normalisation.
        std: Channel standard deviations.
        config: open_clip's `model_cfg`, enough to build the network anew; empty where there is none.
        preprocess_config: open_clip's `preprocess_cfg`.
        pixel_transform: The same as `preprocess` on 8-bit pixels. Without it, it is read from `preprocess`, if that is
            a transform of open_clip or timm; it stays None where it cannot be.
        frozen_reason: Why the network cannot be trained or exported; None where it can.
        no_texts: Why it embeds no texts; None where it does.
    """

    network: nn.Module
    preprocess: Callable[["Image"], Tensor]
    tokenizer: Callable[[Sequence[str]], Tensor]
    image_size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    config: dict[str, Any] = field(default_factory=dict)
    preprocess_config: dict[str, Any] = field(default_factory=dict)
    pixel_transform: PixelTransform | None = None
    frozen_reason: str | None = None
    no_texts: str | None = None

    def __post_init__(self) -> None:
        self.pixel_transform = self.pixel_transform or pixel_transform(self.preprocess)

    @property
    def logit_scale(self) -> float:
        """Multiplier of cosine similarities, exp(t)."""
        return float(self.network.logit_scale.detach().exp())  # type: ignore[operator]

    @property
    def logit_bias(self) -> float:
        """Added after scaling (SigLIP); 0 where the model has none."""
        bias = getattr(self.network, "logit_bias", None)
        return 0.0 if bias is None else float(bias.detach())

    def image_features(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled and projected features in one pass, differentiable, not normalised.

        Args:
            pixels: (n, 3, h, w), preprocessed.

        Returns:
            (n, d_pooled) and (n, d). Pooled is what the projection into the joint space reads; without a projection
            both are the same.
        """
        encode = getattr(self.network, "image_features", None)
        if encode is not None:
            pooled, projected = encode(pixels)
            return pooled, projected
        return image_features(self.network.visual, pixels)  # type: ignore[arg-type]

    def normalise(self, pixels: Tensor) -> Tensor:
        """Uint8 (n, 3, h, w), as `pixel_transform` makes them, to the network's input, float32 on the same device."""
        if self.pixel_transform is None:
            raise TypeError("8-bit pixels need a pixel_transform, and this model has none.")
        return self.pixel_transform.normalise(pixels)

    def text_features(self, tokens: Tensor) -> Tensor:
        """Projected text features (n, d), differentiable, not normalised."""
        return text_features(self.network, tokens)

    def trim(self, tokens: Tensor) -> Tensor:
        """Cut padding that no text of the batch needs, where the tower masks it or looks at nothing behind the end."""
        needed = length_needed(self.network, tokens)
        if needed < tokens.shape[1] or hasattr(self.network, "length_needed"):
            return tokens[:, :needed]
        pad = getattr(getattr(getattr(self.network, "text", None), "config", None), "pad_token_id", None)
        if pad is None:
            return tokens
        longest = int((tokens != pad).sum(dim=1).max())
        return tokens[:, : max(1, longest)]


def to_device(network: nn.Module, device: str) -> nn.Module:
    """Move a network, convolutional weights in channels-last order (faster on CPU and on tensor cores alike)."""
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
