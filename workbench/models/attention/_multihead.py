"""`nn.MultiheadAttention`, split."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.models.attention._layers import additive_mask, heads, linear, plain


class SplitAttention(nn.Module):
    """`nn.MultiheadAttention` with `q_proj`, `k_proj`, `v_proj`, `out_proj`; the same call, the same results.

    Args:
        stock: The module to take weights and settings from.
    """

    def __init__(self, stock: nn.MultiheadAttention) -> None:
        super().__init__()
        self.embed_dim, self.kdim, self.vdim = stock.embed_dim, stock.kdim, stock.vdim
        self.num_heads = stock.num_heads
        self.dropout = stock.dropout
        self.batch_first = stock.batch_first
        packed: Tensor | None = stock.in_proj_weight  # None where keys or values have another width
        q, k, v = (stock.q_proj_weight, stock.k_proj_weight, stock.v_proj_weight) if packed is None else packed.chunk(3)
        bias: Tensor | None = stock.in_proj_bias
        q_bias, k_bias, v_bias = (None, None, None) if bias is None else bias.chunk(3)
        self.q_proj, self.k_proj, self.v_proj = linear(q, q_bias), linear(k, k_bias), linear(v, v_bias)
        self.out_proj = linear(stock.out_proj.weight, stock.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """See `torch.nn.MultiheadAttention.forward`."""
        if is_causal and attn_mask is None:
            raise RuntimeError("is_causal is a hint about attn_mask, which is None.")
        unbatched = query.dim() == 2
        if unbatched:
            query, key, value = query[None], key[None], value[None]
            key_padding_mask = None if key_padding_mask is None else key_padding_mask[None]
        elif not self.batch_first:
            query, key, value = query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1)
        q = heads(self.q_proj(query), self.num_heads)
        k = heads(self.k_proj(key), self.num_heads)
        v = heads(self.v_proj(value), self.num_heads)
        mask = additive_mask(attn_mask, key_padding_mask, q)
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
            weights = F.dropout((scores if mask is None else scores + mask).softmax(dim=-1), dropout)
            x = weights @ v
            weights = weights.mean(dim=1) if average_attn_weights else weights
        else:
            x = F.scaled_dot_product_attention(q, k, v, mask, dropout)
        out = self.out_proj(x.transpose(1, 2).flatten(2))
        if unbatched:
            return out[0], None if weights is None else weights[0]
        return out if self.batch_first else out.transpose(0, 1), weights

    def stock(self) -> nn.MultiheadAttention:
        """An `nn.MultiheadAttention` with the present weights."""
        q, k, v, out = (plain(self, name) for name in ("q_proj", "k_proj", "v_proj", "out_proj"))
        stock = nn.MultiheadAttention(
            self.embed_dim, self.num_heads, self.dropout, q.bias is not None, kdim=self.kdim, vdim=self.vdim,
            batch_first=self.batch_first, device=q.weight.device, dtype=q.weight.dtype,
        )  # fmt: skip
        state = {f"out_proj.{name}": value for name, value in out.state_dict().items()}
        if self.kdim == self.vdim == self.embed_dim:
            state["in_proj_weight"] = torch.cat([q.weight, k.weight, v.weight])
        else:
            state |= {"q_proj_weight": q.weight, "k_proj_weight": k.weight, "v_proj_weight": v.weight}
        if q.bias is not None:
            state["in_proj_bias"] = torch.cat([q.bias, k.bias, v.bias])
        stock.load_state_dict(state)
        return stock.requires_grad_(q.weight.requires_grad)
