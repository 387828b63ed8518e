"""The model that recipes are given: text features from the store, weights only on request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.arrays import FloatArray
from workbench.features.store import FeatureStore, encode_texts_cached

if TYPE_CHECKING:
    from workbench.models import Encoder, LoadedModel


class CachedModel:
    """A `TaskModel` over an encoder and the feature store."""

    def __init__(self, encoder: "Encoder", store: FeatureStore) -> None:
        self._encoder = encoder
        self._shards = store.texts(encoder)
        self.name = encoder.name
        self.fingerprint = encoder.fingerprint
        self.precision = encoder.precision
        self.logit_scale = float(encoder.logit_scale)
        self.logit_bias = float(encoder.logit_bias)
        self.embed_dim = int(encoder.embed_dim)
        self.pooled_dim = int(encoder.pooled_dim)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `TaskModel.encode_texts`."""
        return encode_texts_cached(self._shards, texts, self._encoder.encode_texts, self.embed_dim)

    def load(self) -> "LoadedModel":
        """See `TaskModel.load`."""
        return self._encoder.load()
