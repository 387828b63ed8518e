"""Few images span few dimensions: coordinates in which gradient methods do the same with less work."""

from dataclasses import dataclass

import torch
from torch import Tensor

from adapters._heads.batches import PaddedImages


@dataclass(frozen=True)
class Span:
    """Features in an orthonormal basis of the training images' span.

    Weights fitted by gradients or under an L2 penalty never leave that span, so nothing is lost.

    Attributes:
        train: (b, n, r), r at most min(n, d) of the largest task.
        val: (b, m, r).
        basis: (b, d, r).
        mean: (b, d) subtracted first; zeros where features are not centred.
    """

    train: Tensor
    val: Tensor
    basis: Tensor
    mean: Tensor

    def weights(self, i: int, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Task `i`'s (n_classes, r) weights and (n_classes,) biases for features as they are, (n_classes, d)."""
        full = weight @ self.basis[i].mT
        return full, bias - full @ self.mean[i]


def span(train: PaddedImages, val: PaddedImages, *, centre: bool) -> Span:
    """Rotate features into the training images' span; where these outnumber dimensions there is nothing to gain."""
    mean = train.x.sum(dim=1) / train.count[:, None] if centre else torch.zeros_like(train.x[:, 0])
    x = (train.x - mean[:, None]) * train.mask[..., None]
    n, d = x.shape[1:]
    if n < d:
        basis = torch.linalg.qr(x.mT).Q
        return Span(x @ basis, (val.x - mean[:, None]) @ basis, basis, mean)
    basis = torch.eye(d, dtype=x.dtype, device=x.device).expand(len(x), d, d)
    return Span(x, val.x - mean[:, None], basis, mean)
