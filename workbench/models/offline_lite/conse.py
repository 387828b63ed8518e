"""ConSE: an image's place in text space is the mean of its likeliest classes' names.

Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings" (ICLR 2014), equation 3, with T = 10.
"""

import torch
from torch import Tensor, nn

TOP = 10


class Conse(nn.Module):
    """Wraps `offline-lite`'s network; the projection becomes the classifier's weighted class names.

    Args:
        base: An open_clip model with a timm trunk.
        classifier: Linear layer from pooled features to ImageNet logits.
        names: (1000, d) unit-norm name embeddings.
    """

    def __init__(self, base: nn.Module, classifier: nn.Linear, names: Tensor) -> None:
        super().__init__()
        self.base = base
        self.classifier = classifier
        self.register_buffer("names", names)
        self.text = base.text
        self.logit_scale = base.logit_scale

    def image_features(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled features, and the probability-weighted mean of the top class names."""
        pooled: Tensor = self.base.visual.trunk(pixels)  # type: ignore[union-attr,operator]
        # Probabilities of 1000 classes lose too much in 8 bits of mantissa.
        with torch.autocast(pixels.device.type, enabled=False):
            weights, index = self.classifier(pooled.float()).softmax(dim=1).topk(TOP, dim=1)
            return pooled, (weights[..., None] * self.names[index]).sum(dim=1)  # type: ignore[index]

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """As the base model."""
        return self.base.encode_text(tokens, normalize=normalize)  # type: ignore[operator,no-any-return]
