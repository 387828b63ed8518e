"""Captions that people wrote of other images: the nearest text, or what the nearest images' captions agree on."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import FloatArray, IntArray, normalise
from workbench.errors import RecipeError
from workbench.metrics.captions_cider import cider_d

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
    rows, found = normalise(gallery), []
    for start in range(0, len(queries), _BLOCK):
        scores = normalise(queries[start : start + _BLOCK]) @ rows.T
        found.append(np.argsort(-scores, axis=1, kind="stable")[:, :k])
    return np.concatenate(found) if found else np.empty((0, min(k, len(rows))), np.int64)


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
    """For each image the caption of its nearest images that is most like their other captions.

    Devlin et al., Exploring Nearest Neighbor Approaches for Image Captioning (arXiv:1505.04467): the captions of the k
    nearest images are candidates, and the one with the highest mean CIDEr-D against all of them is taken; document
    frequencies are counted over the k images.

    Args:
        images: (n, d) features.
        others: (m, d) features of captioned images, in the same space.
        captions: Of each of them; at least one.
        neighbours: k.

    Raises:
        RecipeError: There is no captioned image.
    """
    if not len(others):
        raise RecipeError("captions by consensus need at least one captioned training image.")
    chosen: list[str] = []
    known: dict[tuple[int, ...], str] = {}
    for near in nearest_rows(images, others, neighbours):
        key = tuple(sorted(near.tolist()))
        if len(key) == 1 or key not in known:
            known[key] = _consensus([captions[int(i)] for i in near])
        chosen.append(known[key])
    return chosen


def _consensus(sets: Sequence[Sequence[str]]) -> str:
    """The caption with the highest mean similarity to all images' captions; the nearest image's first if equal."""
    candidates = list(dict.fromkeys(text for own in sets for text in own))
    if len(sets) == 1 or len(candidates) == 1:
        return candidates[0]
    scores = []
    for candidate in candidates:
        # An image's own caption would vouch for itself.
        others = [[text for text in own if text != candidate] or list(own) for own in sets]
        scores.append(float(np.mean(cider_d([candidate] * len(sets), others))))
    return candidates[int(np.argmax(scores))]
