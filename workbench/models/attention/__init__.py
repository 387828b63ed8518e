"""Attention as linear layers that are called as modules, so that an adapter put on one of them takes effect.

Stock attention passes the weights of its projections to a function and never calls the layers: an adapter around
such a layer is ignored without a word, or (peft on `nn.MultiheadAttention`) applied twice. `split_attention` replaces
it by an equivalent of plain `nn.Linear` layers, `merge_attention` puts the stock modules back.
"""

from workbench.models.attention._pool import pool_map
from workbench.models.attention._replace import merge_attention, split_attention

__all__ = ["merge_attention", "pool_map", "split_attention"]
