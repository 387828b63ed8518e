"""The pretrained model as recipes get it: texts from the store, the network only on request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.arrays import FloatArray
from workbench.features._protocols import DualEncoder
from workbench.features.store import FeatureStore
from workbench.features.texts import TextCache

if TYPE_CHECKING:
    from workbench.models import LoadedModel


class CachedModel:
    """A `workbench.TaskModel` whose text features come from the store.

    Args:
        encoder: The model.
        store: The feature store.

    Attributes: as `workbench.TaskModel`.
    """

    def __init__(self, encoder: DualEncoder, store: FeatureStore) -> None:
        self._encoder = encoder
        self._texts = TextCache(encoder, store)
        self._asked: dict[str, None] = {}
        self.name = encoder.name
        self.fingerprint = encoder.fingerprint
        self.precision = encoder.precision
        self.logit_scale = encoder.logit_scale
        self.logit_bias = encoder.logit_bias
        self.embed_dim = encoder.embed_dim
        self.pooled_dim = encoder.pooled_dim

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `TextCache.encode`."""
        self._asked |= dict.fromkeys(texts)
        return self._texts.encode(texts)

    def equal_texts(self) -> list[tuple[str, str]]:
        """Pairs of the texts asked for so far that are one text to the model's tokenizer."""
        return self._texts.equal_pairs(list(self._asked))

    def load(self) -> "LoadedModel":
        """A private fp32 copy of the network."""
        return self._encoder.load()
