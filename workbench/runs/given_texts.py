"""A run's model for a program that asks about texts: their features stay in memory, and none are written to disk."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from workbench.arrays import FloatArray
from workbench.features import CachedModel, FeatureStore
from workbench.models import Encoder

_KEPT = 10_000  # Texts: a robot may be told something new all day.


class ModelInMemory(CachedModel):
    """A `CachedModel` that remembers the texts asked for last; safe to use from several threads.

    Args:
        encoder: The model.
        store: See `CachedModel`; texts are neither looked for nor written there.
    """

    def __init__(self, encoder: Encoder, store: FeatureStore) -> None:
        super().__init__(encoder, store)
        self._texts_of = encoder.encode_texts
        self._known: OrderedDict[str, FloatArray] = OrderedDict()
        self._lock = threading.Lock()

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `TaskModel.encode_texts`."""
        with self._lock:
            missing = [text for text in dict.fromkeys(texts) if text not in self._known]
            if missing:
                self._known |= zip(missing, self._texts_of(missing), strict=True)
            for text in texts:
                self._known.move_to_end(text)
            found = [self._known[text] for text in texts]
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return np.stack(found) if found else np.empty((0, self.embed_dim), dtype=np.float32)
