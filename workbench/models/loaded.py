"""A network in memory, with what turns images and texts into its inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

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
        frozen_reason: Why the network cannot be trained or exported; None where it can.
    """

    network: nn.Module
    preprocess: Callable[["Image"], Tensor]
    tokenizer: Callable[[Sequence[str]], Tensor]
    image_size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    config: dict[str, Any] = field(default_factory=dict)
    preprocess_config: dict[str, Any] = field(default_factory=dict)
    frozen_reason: str | None = None

    @property
    def logit_scale(self) -> float:
        """Multiplier of cosine similarities, exp(t)."""
        return float(self.network.logit_scale.detach().exp())  # type: ignore[operator,union-attr]

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
            (n, d_pooled) and (n, d). Pooled is what the projection into the joint space reads: the pooled token of a
            transformer, the pooled map of a convolutional network. CLIP's ResNets attend and project in one step, so
            theirs is the mean of the last feature map. Without a projection both are the same. The projection is
            computed in fp32 under autocast too: it is cheap, and what tells classes apart in the joint space can be
            small against what all images share.
        """
        own = getattr(self.network, "image_features", None)
        if own is not None:
            pooled, projected = own(pixels)
            return pooled, projected
        return _image_features(self.network.visual, pixels)  # type: ignore[arg-type]

    def text_features(self, tokens: Tensor) -> Tensor:
        """Projected text features (n, d), differentiable, not normalised."""
        return self.network.encode_text(tokens, normalize=False)  # type: ignore[operator,no-any-return]

    def trim(self, tokens: Tensor) -> Tensor:
        """Cut padding that no text of the batch needs, for text towers that mask it."""
        pad = getattr(getattr(getattr(self.network, "text", None), "config", None), "pad_token_id", None)
        if pad is None:
            return tokens
        longest = int((tokens != pad).sum(dim=1).max())
        return tokens[:, : max(1, longest)]


def _image_features(visual: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
    if hasattr(visual, "trunk"):  # open_clip's TimmModel: the head ends with the projection.
        pooled = visual.trunk(pixels)  # type: ignore[operator]
        for name, layer in visual.head.named_children():  # type: ignore[union-attr]
            if name in {"drop", "proj", "mlp"}:
                break
            pooled = layer(pooled)
        with torch.autocast(pixels.device.type, enabled=False):
            return pooled, _after(visual.head, pooled.float())  # type: ignore[arg-type]
    if hasattr(visual, "attnpool") and hasattr(visual, "layer4"):  # CLIP's ModifiedResNet
        x = visual.stem(pixels)  # type: ignore[operator]
        for stage in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
            x = stage(x)  # type: ignore[operator]
        return x.mean(dim=(2, 3)), visual.attnpool(x)  # type: ignore[operator]
    projection = getattr(visual, "proj", None)
    if isinstance(projection, Tensor):  # open_clip's VisionTransformer skips the projection when it is None.
        visual.proj = None  # type: ignore[assignment]
        try:
            pooled = _first(visual(pixels))
        finally:
            visual.proj = projection  # type: ignore[assignment]
        with torch.autocast(pixels.device.type, enabled=False):
            return pooled, pooled.float() @ projection
    pooled = _first(visual(pixels))
    return pooled, pooled


def _after(head: nn.Module, pooled: Tensor) -> Tensor:
    """What the head's layers from the projection on make of pooled features."""
    x = pooled
    for name, layer in head.named_children():
        if name in {"drop", "proj", "mlp"}:
            x = layer(x)
    return x


def _first(output: Any) -> Tensor:
    return output[0] if isinstance(output, tuple | list) else output


def freeze_batch_norm(network: nn.Module) -> None:
    """Keep batch normalisation at its stored statistics, whatever mode the network is put into."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
            module.train = lambda mode=True, module=module: module  # type: ignore[method-assign,misc,assignment]


def to_device(network: nn.Module, device: str) -> nn.Module:
    """Move a network, convolutional weights in channels-last order (faster on CPU and on tensor cores alike)."""
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
