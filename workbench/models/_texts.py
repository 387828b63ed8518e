"""Text features without the padding behind the texts, for open_clip's causal text towers.

A causal tower reads from left to right, and the feature is taken at the end token, so that nothing behind the last end
token of a batch changes it. Names of classes take about a dozen of CLIP's 77 places.
"""

from typing import Any

import torch
from torch import Tensor, nn

_AT_THE_END = ("argmax", "eos")


def length_needed(network: nn.Module, tokens: Tensor) -> int:
    """Places up to the last end token of a batch; all where the tower may look further.

    Args:
        network: An open_clip model, or another with `encode_text`, which may have a `length_needed` of its own.
        tokens: int64 (n, context).
    """
    if hasattr(network, "length_needed"):
        return network.length_needed(tokens)  # type: ignore[operator,no-any-return]
    text = _causal(network)
    if text is None or not len(tokens):
        return tokens.shape[1]
    return 1 + int(_ends(text, tokens).max())


def text_features(network: nn.Module, tokens: Tensor) -> Tensor:
    """Projected features (n, d), differentiable, not normalised; as `network.encode_text`, of tokens of any length."""
    text = _causal(network)
    if text is None:
        return network.encode_text(tokens, normalize=False)  # type: ignore[operator,no-any-return]
    length = tokens.shape[1]
    x = text.token_embedding(tokens).to(text.transformer.get_cast_dtype())
    x = x + text.positional_embedding[:length].to(x.dtype)
    x = text.ln_final(text.transformer(x, attn_mask=text.attn_mask[:length, :length]))
    pooled: Tensor = x[torch.arange(len(x), device=x.device), _ends(text, tokens)]
    projection = text.text_projection
    if projection is None:
        return pooled
    projected: Tensor = projection(pooled) if isinstance(projection, nn.Linear) else pooled @ projection
    return projected


def _causal(network: nn.Module) -> Any:
    """The parts of a text tower that looks at nothing behind the end token, or None."""
    from open_clip.model import CLIP
    from open_clip.transformer import TextTransformer

    text: Any = network if isinstance(network, CLIP) else getattr(network, "text", None)
    if not isinstance(text, CLIP | TextTransformer) or text.attn_mask is None or _pool_type(text) not in _AT_THE_END:
        return None
    # CLIP's tower is spread over its top level, and has neither of these.
    own = getattr(text, "cls_emb", None) is not None or (getattr(text, "output_tokens", False) and text is not network)
    return None if own or getattr(text, "use_pad_mask", False) else text


def _ends(text: Any, tokens: Tensor) -> Tensor:
    """Where the end token of each text is, int64 (n,), as open_clip looks for it."""
    if _pool_type(text) == "argmax":
        return tokens.argmax(dim=-1)
    end: int = text.eos_id if hasattr(text, "eos_id") else text.text_eos_id
    return (tokens == end).int().argmax(dim=-1)


def _pool_type(text: Any) -> str:
    kind: str = text.pool_type if hasattr(text, "pool_type") else text.text_pool_type
    return kind
