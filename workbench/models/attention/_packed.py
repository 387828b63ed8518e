"""open_clip's own `Attention`, split."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.models.attention._layers import additive_mask, heads, linear, plain, take_over

_PACKED = ("in_proj_weight", "in_proj_bias")
_SPLIT = ("q_proj", "k_proj", "v_proj")


class SplitPackedAttention(nn.Module):
    """open_clip's `Attention` (of its `CustomResidualAttentionBlock`) with `q_proj`, `k_proj`, `v_proj`.

    Args:
        stock: The module whose parts are taken over; without scaled cosine scores.
    """

    def __init__(self, stock: nn.Module) -> None:
        super().__init__()
        parts: Any = stock
        take_over(stock, self, leave=_PACKED)
        biases = (None,) * 3 if parts.in_proj_bias is None else parts.in_proj_bias.chunk(3)
        for name, weight, bias in zip(_SPLIT, parts.in_proj_weight.chunk(3), biases, strict=True):
            self.add_module(name, linear(weight, bias))

    def forward(self, x: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        """(n, tokens, dim) to the same shape."""
        parts: Any = self
        q = parts.ln_q(heads(parts.q_proj(x), parts.num_heads))
        k = parts.ln_k(heads(parts.k_proj(x), parts.num_heads))
        v = heads(parts.v_proj(x), parts.num_heads)
        mask = additive_mask(attn_mask, None, q)
        out = F.scaled_dot_product_attention(q, k, v, mask, parts.attn_drop.p if self.training else 0.0)
        if parts.head_scale is not None:
            out = out * parts.head_scale
        result: Tensor = parts.out_drop(parts.out_proj(parts.ln_inner(out.transpose(1, 2).flatten(2))))
        return result

    def stock(self) -> nn.Module:
        """An `Attention` with the present weights."""
        from open_clip.transformer import Attention

        q, k, v, _ = (plain(self, name) for name in (*_SPLIT, "out_proj"))
        parts: Any = self
        stock: Any = Attention(q.in_features, parts.num_heads, qkv_bias=q.bias is not None)
        take_over(self, stock, leave=_SPLIT)
        trained = q.weight.requires_grad
        stock.in_proj_weight = nn.Parameter(torch.cat([q.weight, k.weight, v.weight]).detach(), trained)
        if q.bias is not None:
            stock.in_proj_bias = nn.Parameter(torch.cat([q.bias, k.bias, v.bias]).detach(), trained)
        module: nn.Module = stock
        return module
