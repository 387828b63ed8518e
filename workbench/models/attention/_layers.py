"""Helpers of the split attention modules."""

import torch
from torch import Tensor, nn

from workbench.errors import ModelError


def linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A layer with copies of these weights, trainable where they are."""
    # Made on the meta device: values that are overwritten need not be drawn.
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    layer.weight = nn.Parameter(weight.detach().clone(), weight.requires_grad)
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone(), bias.requires_grad)
    return layer


def plain(module: nn.Module, name: str) -> nn.Linear:
    """The layer called `name`; raises `ModelError` if an adapter is wrapped around it."""
    layer = getattr(module, name)
    if not isinstance(layer, nn.Linear):
        raise ModelError(f"{name} is a {type(layer).__name__}; merge adapters into their layers before the attention.")
    return layer


def take_over(source: nn.Module, target: nn.Module, leave: tuple[str, ...] = ()) -> None:
    """Give `target` the layers, parameters and plain attributes of `source`, save those called as in `leave`."""
    target.__dict__.update({k: v for k, v in source.__dict__.items() if not k.startswith("_")})
    for registry in ("_modules", "_parameters", "_buffers"):
        kept = {name: value for name, value in getattr(source, registry).items() if name not in leave}
        getattr(target, registry).update(kept)
        for name in kept:  # A plain attribute, None for a part that `target` was made without, would hide it.
            target.__dict__.pop(name, None)


def heads(x: Tensor, count: int) -> Tensor:
    """(n, tokens, dim) to (n, count, tokens, dim / count)."""
    return x.reshape(*x.shape[:2], count, -1).transpose(1, 2)


def additive_mask(attention: Tensor | None, padding: Tensor | None, like: Tensor) -> Tensor | None:
    """Both masks as one to add to the scores of `like`.

    Args:
        attention: (l, s) or (n * heads, l, s); bool masks are True where attention is forbidden.
        padding: (n, s).
        like: Queries (n, heads, l, d), whose dtype the mask gets.
    """
    mask = None
    if attention is not None:
        mask = _as_additive(attention, like.dtype)
        if mask.dim() == 3:
            mask = mask.reshape(*like.shape[:2], *mask.shape[1:])
    if padding is not None:
        padded = _as_additive(padding, like.dtype)[:, None, None, :]
        mask = padded if mask is None else mask + padded
    return mask


def _as_additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    if mask.dtype == torch.bool:
        return torch.zeros_like(mask, dtype=dtype).masked_fill_(mask, float("-inf"))
    return mask.to(dtype)
