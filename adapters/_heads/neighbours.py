"""Heads that compare an image with training images, for export."""

import torch
from torch import Tensor

from workbench.plugin import AnyArray, Head, unit


class _KeysHead(Head):
    """Keys and what each says of the classes.

    Args:
        keys: (n, d) features of training images, of unit norm.
        target: (n, n_classes).
        space: The features that are compared with the keys.
    """

    keys: Tensor
    target: Tensor

    def __init__(self, keys: Tensor, target: Tensor, space: str) -> None:
        super().__init__()
        self.space = space
        self.keep(keys=keys.numpy(), target=target.numpy())

    def cosine(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """(n_images, n)."""
        return unit(pooled if self.space == "pooled" else projected) @ self.keys.T


class VoteHead(_KeysHead):
    """Log shares of the votes of the k nearest keys; see `neighbour_votes`.

    Args:
        keys: See `_KeysHead`.
        target: See `_KeysHead`.
        space: See `_KeysHead`.
        k: Neighbours, at most as many as keys.
        temperature: Of the votes.
        floor: Share that all classes divide equally.
    """

    def __init__(
        self, keys: Tensor, target: Tensor, space: str, k: int, temperature: float, floor: float
    ) -> None:  # fmt: skip
        super().__init__(keys, target, space)
        self.k, self.temperature, self.floor = k, temperature, floor

    def forward(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """See `Head.forward`."""
        nearest, index = self.cosine(pooled, projected).topk(self.k, dim=1)
        weight = ((nearest - nearest[:, :1]) / self.temperature).exp()
        votes = (weight[:, :, None] * self.target[index]).sum(dim=1)
        share = votes / weight.sum(dim=1, keepdim=True)
        return torch.log((1 - self.floor) * share + self.floor / self.target.shape[1])

    def numpy(self, prefix: str = "") -> list[str]:
        """See `Head.numpy`."""
        return [
            f"cosine = unit({self.space}) @ head['{prefix}keys'].T",
            f"index = np.argsort(-cosine, axis=1, kind='stable')[:, :{self.k}]",
            "nearest = np.take_along_axis(cosine, index, axis=1)",
            f"weight = np.exp((nearest - nearest[:, :1]) / {self.temperature!r})",
            f"votes = (weight[:, :, None] * head['{prefix}target'][index]).sum(axis=1) / weight.sum(axis=1)[:, None]",
            f"logits = np.log({1 - self.floor!r} * votes + {self.floor!r} / votes.shape[1])",
        ]


class CacheHead(_KeysHead):
    """Tip-Adapter's cache with the zero-shot logits; see `cache_logits`.

    Args:
        keys: See `_KeysHead`.
        target: See `_KeysHead`; multiplied by alpha.
        space: See `_KeysHead`.
        beta: Sharpness.
        text_weight: (n_classes, d), scaled.
        bias: (n_classes,).
    """

    text_weight: Tensor
    bias: Tensor

    def __init__(
        self, keys: Tensor, target: Tensor, space: str, beta: float, text_weight: AnyArray, bias: AnyArray
    ) -> None:
        super().__init__(keys, target, space)
        self.beta = beta
        self.keep(text_weight=text_weight, bias=bias)

    def forward(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """See `Head.forward`."""
        cached = ((self.cosine(pooled, projected) - 1) * self.beta).exp() @ self.target
        return cached + unit(projected) @ self.text_weight.T + self.bias

    def numpy(self, prefix: str = "") -> list[str]:
        """See `Head.numpy`."""
        return [
            f"cosine = unit({self.space}) @ head['{prefix}keys'].T",
            f"cached = np.exp(({self.beta!r}) * (cosine - 1)) @ head['{prefix}target']",
            f"logits = cached + unit(projected) @ head['{prefix}text_weight'].T + head['{prefix}bias']",
        ]
