"""Matching metrics: one image against right and wrong texts, pairs of pairs, and true or false statements."""

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics._checks import check_finite, check_targets
from workbench.metrics.estimate import Estimate
from workbench.metrics.keys import accuracy_parts


def matching_metrics(
    scores: AnyArray,
    groups: AnyArray | None = None,
    *,
    kinds: AnyArray | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """How often the right text beats every wrong one: `accuracy`, and `accuracy/KIND` for each kind of item.

    A tie is wrong.

    Args:
        scores: (n, k), the right text's score first; items with fewer wrong texts are filled up with -inf.
        groups: (n,) groups that are resampled whole.
        kinds: (n,) kind of each item (`attribute`, `relation`, ...); empty texts are no kind. KIND is as `metric_keys`
            makes it.
        replicates: Number of bootstrap resamples.
        seed: Seeds them.

    Raises:
        DataError: NaN, a missing right score, or no wrong text.
    """
    array = np.asarray(scores)
    if array.ndim != 2 or array.shape[1] < 2:
        raise DataError(f"scores: expected the right text's and at least one wrong text's, got shape {array.shape}.")
    if np.isneginf(array[:, 1:]).all(axis=1).any():
        raise DataError("scores: an item has no wrong text (all are -inf), so it cannot be got wrong.")
    check_finite(np.where(np.isneginf(array[:, 1:]), 0, array[:, 1:]), "scores of wrong texts")
    check_finite(array[:, 0], "scores of right texts")
    right = F.prefers_right(array)
    found = {"accuracy": hit_rate(right, groups, replicates, seed)}
    for name, inside in accuracy_parts(kinds).items():
        own = None if groups is None else np.asarray(groups)[inside]
        found[name] = hit_rate(right[inside], own, replicates, seed)
    return found


def winoground_metrics(
    scores: AnyArray, groups: AnyArray | None = None, *, replicates: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """`text_score`, `image_score` and `group_score`; chance is 1/4, 1/4 and 1/6.

    Args:
        scores: (n, 2, 2), [item, image, text]; image k belongs to text k.
        groups: (n,) groups that are resampled whole.
        replicates: Number of bootstrap resamples.
        seed: Seeds them.

    Raises:
        DataError: NaN, or another shape.
    """
    array = check_finite(scores, "scores")
    if array.shape[1:] != (2, 2):
        raise DataError(f"scores: expected (items, 2 images, 2 texts), got shape {array.shape}.")
    names = ("text_score", "image_score", "group_score")
    parts = zip(names, F.winoground(array), strict=True)
    return {name: hit_rate(right, groups, replicates, seed) for name, right in parts}


def statement_metrics(
    scores: AnyArray,
    labels: AnyArray,
    groups: AnyArray | None = None,
    *,
    threshold: float = 0.0,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """True or false statements: `accuracy` at a threshold, `auroc` and `average_precision` of true ones.

    Args:
        scores: (n,), higher means true.
        labels: bool (n,).
        groups: (n,) groups that are resampled whole.
        threshold: A score at or above it says true; chosen elsewhere than on these items.
        replicates: Number of bootstrap resamples.
        seed: Seeds them.

    Raises:
        DataError: NaN, or shapes that do not fit.
    """
    array = check_finite(scores, "scores")
    targets = check_targets(labels, array.shape)
    right = (array >= threshold) == targets
    ranking = F.Ranking(array[:, None], targets[:, None])

    def evaluate(weights: FloatArray) -> dict[str, F.Values]:
        auroc, precision = ranking(weights)
        return {
            "accuracy": F.weighted_means(right[:, None], weights)[:, 0],
            "auroc": auroc,
            "average_precision": precision,
        }

    resampler = Resampler(len(array), groups, replicates=replicates, seed=seed)
    return estimates([evaluate], resampler, terms={"accuracy": right})


def hit_rate(hits: AnyArray, groups: AnyArray | None, replicates: int, seed: int) -> Estimate:
    """The share of hits among items, bool (n,), with its interval."""
    resampler = Resampler(len(hits), groups, replicates=replicates, seed=seed)

    def evaluate(weights: FloatArray) -> dict[str, F.Values]:
        return {"accuracy": F.weighted_means(hits[:, None], weights)[:, 0]}

    return estimates([evaluate], resampler, terms={"accuracy": hits})["accuracy"]
