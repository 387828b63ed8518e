"""Selective prediction: what is left wrong where a classifier may refuse the images that it is least sure of.

Sureness is the probability of the likeliest class. Geifman and El-Yaniv, "Selective Classification for Deep Neural
Networks" (NeurIPS 2017); the area under the risk-coverage curve is from Geifman, Uziel and El-Yaniv, "Bias-Reduced
Uncertainty Estimation for Deep Neural Classifiers" (ICLR 2019).
"""

from collections.abc import Callable

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import functional as F
from workbench.metrics.class_scores import ClassScores
from workbench.metrics.metric import Metric, Weighted, share

COVERAGES = (0.5, 0.8, 0.9, 0.95)
"""Shares of the items that are answered, the surest first, for `selective_accuracy`."""


def risk_coverage(sureness: AnyArray, hits: AnyArray) -> Callable[[FloatArray], tuple[F.Values, F.Values]]:
    """The share answered and the share of mistakes among the answers, each (b, n) of weights (b, n), the surest first.

    Items of equal sureness are answered together: each of them has the values of them all.

    Args:
        sureness: (n,).
        hits: bool (n,).
    """
    order = np.argsort(-sureness, kind="stable")
    ordered, wrong = np.asarray(sureness)[order], ~np.asarray(hits, np.bool_)[order]
    last = np.searchsorted(-ordered, -ordered, side="right") - 1

    def curve(weights: FloatArray) -> tuple[F.Values, F.Values]:
        exact = weights[:, order].astype(np.float64)
        answered, mistakes = np.cumsum(exact, axis=1), np.cumsum(exact * wrong, axis=1)
        answered, mistakes = answered[:, last], mistakes[:, last]
        return F.ratio(answered, exact.sum(axis=1, keepdims=True)), F.ratio(mistakes, answered)

    return curve


def _sureness(scores: ClassScores) -> AnyArray:
    return np.asarray(scores.probabilities.max(axis=1))


def _aurc(scores: ClassScores) -> Weighted:
    sureness = _sureness(scores)
    curve, order = risk_coverage(sureness, scores.hits), np.argsort(-sureness, kind="stable")

    def evaluate(weights: FloatArray) -> F.Values:
        exact = weights[:, order].astype(np.float64)
        # An item without weight may come before all that have some: its risk is not defined, and counts nothing.
        return F.ratio((exact * np.nan_to_num(curve(weights)[1])).sum(axis=1), exact.sum(axis=1))

    return Weighted(evaluate)


def _selective_accuracy(scores: ClassScores) -> Weighted:
    curve = risk_coverage(_sureness(scores), scores.hits)

    def evaluate(weights: FloatArray) -> F.Values:
        answered, risk = curve(weights)
        # The first place at which so many are answered; of weights, rounding may leave the last one short of 1.
        places = [np.minimum((answered >= c - 1e-9).argmax(axis=1), answered.shape[1] - 1) for c in COVERAGES]
        rows = np.arange(len(weights))
        return 1.0 - np.stack([risk[rows, place] for place in places], axis=1)

    return Weighted(parts=evaluate, part_boundaries=[c * len(scores.labels) for c in COVERAGES])


METRICS: tuple[Metric, ...] = (
    share(
        "aurc", _aurc, ["logits", "labels", "hits"], higher_is_better=False, biased_under_resampling=True,
        only_on_request=True,
    ),
    share(
        "selective_accuracy", _selective_accuracy, ["logits", "labels", "hits"], only_on_request=True,
        is_proportion=True, part_names=tuple(f"{coverage:g}" for coverage in COVERAGES),
    ),
)  # fmt: skip
