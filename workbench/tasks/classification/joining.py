"""Images of one group (patient, specimen, scene) answered together.

Of the positive classes a group has the mean of its images' probabilities, the highest, or noisy-or: the probability
that at least one image is positive if images were independent. Without positive classes each class is joined so, and
the probabilities are normalised.
"""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import AnyArray, FloatArray, IntArray
from workbench.errors import DataError
from workbench.metrics.functional import softmax

JOINS = ("mean", "max", "noisy-or")
_LEAST = 1e-12


def join_scores(scores: AnyArray, units: AnyArray, join: str, positives: Sequence[int] = ()) -> FloatArray:
    """Log-probabilities of groups, float32 (g, c).

    Args:
        scores: Logits (n, c).
        units: int64 (n,), the group of each image, 0..g - 1.
        join: One of `JOINS`.
        positives: The positive classes; none joins each class by itself.
    """
    chances = softmax(np.asarray(scores, np.float64))
    mean = _each(chances, units, "mean")
    if not len(positives) or join == "mean":
        joined = mean if join == "mean" else _each(chances, units, join)
    else:
        inside = np.isin(np.arange(chances.shape[1]), positives)
        positive = _each(chances[:, inside].sum(axis=1, keepdims=True).clip(0, 1), units, join)
        # Within the positive classes, and within the others, shares are those of the mean.
        joined = np.where(
            inside,
            positive * mean / np.maximum(mean[:, inside].sum(axis=1, keepdims=True), _LEAST),
            (1 - positive) * mean / np.maximum(mean[:, ~inside].sum(axis=1, keepdims=True), _LEAST),
        )
    joined = np.maximum(joined, _LEAST)
    return np.asarray(np.log(joined / joined.sum(axis=1, keepdims=True)), dtype=np.float32)


def _each(chances: AnyArray, units: AnyArray, join: str) -> AnyArray:
    count = int(units.max()) + 1
    out = np.zeros((count, chances.shape[1]))
    if join == "max":
        np.maximum.at(out, units, chances)
        return out
    if join == "noisy-or":
        np.add.at(out, units, np.log1p(-np.minimum(chances, 1 - _LEAST)))
        return np.asarray(-np.expm1(out))
    np.add.at(out, units, chances)
    return np.asarray(out / np.bincount(units, minlength=count)[:, None])


def join_labels(labels: AnyArray, units: AnyArray, positives: Sequence[int] = ()) -> IntArray:
    """The class of each group, int64 (g,): the most frequent one, of the positive ones where any image is positive.

    Raises:
        DataError: Images of a group have different classes, and none is named positive.
    """
    counts = np.zeros((int(units.max()) + 1, int(max(labels.max(), *positives, 0)) + 1), dtype=np.int64)
    np.add.at(counts, (units, labels), 1)
    if not len(positives) and ((counts > 0).sum(axis=1) > 1).any():
        raise DataError(
            "decisions.join: images of a group have different classes; name the class that makes a group positive in "
            "positive_class of the card, or take join out."
        )
    positive = np.isin(np.arange(counts.shape[1]), positives)
    is_positive = counts[:, positive].any(axis=1)
    counts[np.ix_(is_positive, ~positive)] = 0
    return np.asarray(counts.argmax(axis=1), dtype=np.int64)
