"""Captions that people wrote of other images: the nearest text, or what the nearest images' captions agree on."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from workbench.arrays import FloatArray, IntArray, normalise
from workbench.errors import RecipeError
from workbench.metrics.captions_cider import Phrase, cider_matrix, document_frequency

_BLOCK = 1024


def nearest_rows(queries: FloatArray, gallery: FloatArray, k: int) -> IntArray:
    """Positions of the k rows of `gallery` with the largest cosine, best first; equal ones by position.

    Args:
        queries: (n, d); normalised here.
        gallery: (m, d); normalised here.
        k: At least 1; fewer columns come back where m is smaller.

    Returns:
        int64 (n, min(k, m)).
    """
    rows, nearest = normalise(gallery), []
    for start in range(0, len(queries), _BLOCK):
        scores = normalise(queries[start : start + _BLOCK]) @ rows.T
        nearest.append(np.argsort(-scores, axis=1, kind="stable")[:, :k])
    return np.concatenate(nearest) if nearest else np.empty((0, min(k, len(rows))), np.int64)


def captions_by_text(images: FloatArray, bank: Sequence[str], bank_features: FloatArray) -> list[str]:
    """The caption of a bank whose text feature is nearest to each image's, in the joint space.

    Args:
        images: (n, d) projected image features.
        bank: m captions.
        bank_features: (m, d) projected text features.

    Raises:
        RecipeError: The bank is empty.
    """
    if not bank:
        raise RecipeError("captions by retrieval need at least one caption to choose from.")
    return [bank[int(i)] for i in nearest_rows(images, bank_features, 1)[:, 0]]


def consensus_captions(
    images: FloatArray, others: FloatArray, captions: Sequence[Sequence[str]], neighbours: int
) -> list[str]:
    """For each image the caption of its nearest images that is most like the other images' captions.

    Devlin et al., Exploring Nearest Neighbor Approaches for Image Captioning (arXiv:1505.04467): the captions of the k
    nearest images are candidates, and the one with the highest mean CIDEr against the others is taken. An image's own
    captions do not vouch for it; document frequencies are those of all captioned images.

    Args:
        images: (n, d) features.
        others: (m, d) features of captioned images, in the same space.
        captions: Captions of each of these images; at least one.
        neighbours: k.

    Raises:
        RecipeError: There is no captioned image.
    """
    if not len(others):
        raise RecipeError("captions by consensus need at least one captioned training image.")
    frequency = document_frequency(captions)
    return [
        _consensus([captions[int(i)] for i in near], frequency, len(captions))
        for near in nearest_rows(images, others, neighbours)
    ]


def _consensus(sets: Sequence[Sequence[str]], frequency: Counter[Phrase], n: int) -> str:
    """The caption with the highest mean similarity to other images' captions; the nearest image's first if equal."""
    candidates = [text for captions in sets for text in captions]
    if len(sets) == 1:
        return candidates[0]
    owner = np.repeat(np.arange(len(sets)), [len(captions) for captions in sets])
    members = (owner == np.arange(len(sets))[:, None]) / np.bincount(owner)[:, None]
    by_image = cider_matrix(candidates, frequency, n) @ members.T
    by_image[np.arange(len(owner)), owner] = 0.0
    return candidates[int(np.argmax(np.round(by_image.sum(axis=1), 12)))]
