"""ConSE: an image's place in text space is the mean of its likeliest classes' names.

Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings" (ICLR 2014), equation 3, with T = 10.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TOP = 10


class Conse(nn.Module):
    """Wraps `offline-lite`'s network; the projection becomes the classifier's weighted class names.

    Args:
        base: An open_clip model with a timm trunk.
        parts: `weight` (1000, d_pooled) and `bias` of ImageNet's classifier; `names` (1000, d), unit-norm embeddings of
            its class names.
    """

    def __init__(self, base: nn.Module, parts: dict[str, Tensor]) -> None:
        super().__init__()
        self.base = base
        self.weight: Tensor
        self.bias: Tensor
        self.names: Tensor
        for name in ("weight", "bias", "names"):
            self.register_buffer(name, parts[name])
        self.text = base.text
        self.logit_scale = base.logit_scale

    def image_features(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled features, and the probability-weighted mean of the top class names."""
        pooled: Tensor = self.base.visual.trunk(pixels)  # type: ignore[union-attr,operator]
        # Probabilities of 1000 classes lose too much in 8 bits of mantissa.
        with torch.autocast(pixels.device.type, enabled=False):
            weights, index = F.linear(pooled.float(), self.weight, self.bias).softmax(dim=1).topk(TOP, dim=1)
            return pooled, (weights[..., None] * self.names[index]).sum(dim=1)

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """See the base model."""
        return self.base.encode_text(tokens, normalize=normalize)  # type: ignore[operator,no-any-return]
