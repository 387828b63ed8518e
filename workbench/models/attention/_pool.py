"""The attention pooling of CLIP's ResNets, split."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.models.attention._layers import heads, plain, take_over


class SplitAttentionPool(nn.Module):
    """open_clip's `AttentionPool2d`, whose `q_proj`, `k_proj`, `v_proj` and `c_proj` are then called.

    Args:
        stock: The module whose layers are taken over.
    """

    def __init__(self, stock: nn.Module) -> None:
        super().__init__()
        take_over(stock, self)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, output_dim)."""
        parts: Any = self
        projected: Tensor = parts.c_proj(pool_map(self, x))
        return projected

    def stock(self) -> nn.Module:
        """An `AttentionPool2d` with the present layers."""
        from open_clip.modified_resnet import AttentionPool2d

        q, _, _, c = (plain(self, name) for name in ("q_proj", "k_proj", "v_proj", "c_proj"))
        parts: Any = self
        side = round((len(parts.positional_embedding) - 1) ** 0.5)
        pool: nn.Module = AttentionPool2d(side, q.in_features, parts.num_heads, c.out_features)
        take_over(self, pool)
        return pool


def pool_map(pool: nn.Module, x: Tensor) -> Tensor:
    """The output of CLIP's attention pooling before its projection `c_proj`.

    Args:
        pool: `AttentionPool2d`, split or not.
        x: (n, c, h, w) feature map.

    Returns:
        (n, c).
    """
    parts: Any = pool
    tokens = x.flatten(2).transpose(1, 2)
    tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)
    tokens = tokens + parts.positional_embedding.to(tokens.dtype)
    q = heads(parts.q_proj(tokens[:, :1]), parts.num_heads)
    k = heads(parts.k_proj(tokens), parts.num_heads)
    v = heads(parts.v_proj(tokens), parts.num_heads)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(1)
