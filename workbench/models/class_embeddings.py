"""Sentences as class embeddings."""

from collections.abc import Sequence
from itertools import chain
from typing import Protocol

import numpy as np

from workbench.arrays import FloatArray, normalise


class _EmbedsTexts(Protocol):
    def encode_texts(self, texts: Sequence[str]) -> FloatArray: ...


def class_embeddings(model: _EmbedsTexts, texts: Sequence[Sequence[str]]) -> FloatArray:
    """Mean of each class's normalised sentence embeddings, renormalised.

    Radford et al. (ICML 2021), section 3.1.4.

    Args:
        model: Embeds the sentences.
        texts: At least one sentence for each class.

    Returns:
        Shape (n_classes, embed_dim), rows of unit norm.
    """
    embedded = normalise(model.encode_texts(list(chain.from_iterable(texts))))
    starts = np.cumsum([0, *(len(sentences) for sentences in texts[:-1])])
    return normalise(np.add.reduceat(embedded, starts, axis=0))
