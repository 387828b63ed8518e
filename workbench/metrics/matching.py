"""Matching metrics of pairs of images and texts, and of true or false statements; see also `choices`."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.errors import DataError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics._checks import check_finite, check_targets
from workbench.metrics.classification import ACCURACY, AUROC, AVERAGE_PRECISION
from workbench.metrics.estimate import Estimate
from workbench.metrics.evaluator import Evaluator, SharedFunction
from workbench.metrics.metric import Metric, mean_of, proportion


class PairScores:
    """Two images with two texts an item.

    Args:
        scores: (n, 2, 2), [item, image, text]; image k belongs to text k.

    Raises:
        DataError: NaN, or another shape.
    """

    def __init__(self, scores: AnyArray) -> None:
        self.pair_scores = check_finite(scores, "scores")
        if self.pair_scores.shape[1:] != (2, 2):
            raise DataError(f"scores: expected (items, 2 images, 2 texts), got shape {self.pair_scores.shape}.")

    @cached_property
    def winoground(self) -> tuple[BoolArray, BoolArray, BoolArray]:
        """Text, image and group score of each item."""
        return F.winoground(self.pair_scores)


@dataclass(frozen=True)
class ItemHits:
    """Whether items are right, bool (n,)."""

    hits: AnyArray


@dataclass(frozen=True)
class PointedItems:
    """Whether the place that a run points at is right, bool (n,) items."""

    pointed: AnyArray


class StatementScores:
    """True or false statements.

    Args:
        scores: (n,), higher means true.
        truth: bool (n,).
        threshold: A score at or above it says true.
        exact_pairs: See `functional.Ranking`.

    Raises:
        DataError: NaN, or shapes that do not fit.
    """

    def __init__(
        self, scores: AnyArray, truth: AnyArray, *, threshold: float = 0.0, exact_pairs: int = F.EXACT_PAIRS
    ) -> None:
        self._scores = check_finite(scores, "scores")
        self._truth = check_targets(truth, self._scores.shape)
        self._threshold, self._exact_pairs = threshold, exact_pairs

    @property
    def hits(self) -> BoolArray:
        """Whether the threshold divides each statement rightly, (n,)."""
        return np.asarray((self._scores >= self._threshold) == self._truth)

    @cached_property
    def ranking(self) -> F.Ranking:
        """True statements against false ones."""
        return F.Ranking(self._scores[:, None], self._truth[:, None], exact_pairs=self._exact_pairs)

    @cached_property
    def ranked(self) -> SharedFunction[tuple[F.Values, F.Values]]:
        """AUROC and average precision as functions of item weights."""
        return SharedFunction(self.ranking)


OF_CHOICES: tuple[Metric, ...] = (ACCURACY,)
OF_STATEMENTS: tuple[Metric, ...] = (ACCURACY, AUROC, AVERAGE_PRECISION)
OF_PAIRS: tuple[Metric, ...] = (
    proportion("group_score", lambda scores: mean_of(scores.winoground[2]), ["winoground"]),
    proportion("text_score", lambda scores: mean_of(scores.winoground[0]), ["winoground"]),
    proportion("image_score", lambda scores: mean_of(scores.winoground[1]), ["winoground"]),
)
POINTING_ACCURACY = proportion("pointing_accuracy", lambda items: mean_of(items.pointed), ["pointed"])
"""The pointing game of Zhang et al., "Top-down neural attention by excitation backprop" (IJCV 2018): how often the
highest place of a map lies in a right box. Nothing is forgiven at the edges, where theirs forgives 15 pixels."""
METRICS = (*OF_PAIRS, POINTING_ACCURACY)


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
    data = PairScores(scores)
    resampler = Resampler(len(data.pair_scores), groups, replicates=replicates, seed=seed)
    return estimates([Evaluator(OF_PAIRS, data)], resampler)


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
    data = StatementScores(scores, labels, threshold=threshold)
    resampler = Resampler(len(data.hits), groups, replicates=replicates, seed=seed)
    return estimates([Evaluator(OF_STATEMENTS, data)], resampler)


def hit_rate(hits: AnyArray, groups: AnyArray | None, replicates: int = 1000, seed: int = 0) -> Estimate:
    """The share of hits among items, bool (n,), with its interval."""
    resampler = Resampler(len(hits), groups, replicates=replicates, seed=seed)
    return estimates([Evaluator(OF_CHOICES, ItemHits(hits))], resampler)["accuracy"]
