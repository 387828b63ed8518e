"""The pretrained model as a recipe sees it: text embeddings from the cache, the network itself only on request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from workbench.arrays import FloatArray

if TYPE_CHECKING:
    from workbench.models import LoadedModel


class TaskModel(Protocol):
    """A pretrained dual encoder whose weights load only when `load` is called.

    Attributes:
        name: The model argument, for example `ViT-B-32/laion2b_s34b_b79k`.
        fingerprint: Hex digest of weights, preprocessing and precision.
        precision: `fp32`, `bf16` or `fp16`.
        logit_scale: Multiplier of cosine similarities that makes them logits (CLIP's exp(t)).
        logit_bias: Added after scaling (SigLIP); 0 where the model has none.
        embed_dim: Width of the joint space.
        pooled_dim: Width of pooled features.
    """

    name: str
    fingerprint: str
    precision: str
    logit_scale: float
    logit_bias: float
    embed_dim: int
    pooled_dim: int

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Projected text features, shape (len(texts), embed_dim), not normalised; cached by text on disk."""
        ...

    def load(self) -> "LoadedModel":
        """A private fp32 copy of the network with preprocessing and tokenizer, free to be changed."""
        ...
