"""A metric of one contestant over its seeds, kept with what comparisons need, so that many pairs cost little more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError, UnknownMetricError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler, estimate, replicate
from workbench.metrics._checks import check_finite
from workbench.metrics.classification import MultiLabel, SingleLabel
from workbench.metrics.estimate import Estimate
from workbench.metrics.intervals import Units
from workbench.metrics.unseen import UNSEEN_METRICS, SeenAndUnseen

_EXACT_PAIRS_EXCHANGED = 1 << 22
"""As `ranking.EXACT_PAIRS`, for the predictions of two runs together: about 1,000 items with one label each."""


class Evaluator(Protocol):
    """Metrics of one run's predictions as functions of item weights.

    Attributes:
        terms: The metrics that are means over items, and what they are means of, (n,).
        fixed_sums: What the metrics are sums of, (n,), that are such sums while labels and weights stay.
        boundary: Effective number of items behind the metrics where that is not the number of items.
    """

    terms: dict[str, AnyArray]
    fixed_sums: dict[str, AnyArray]
    boundary: dict[str, float]

    def __call__(self, weights: FloatArray) -> dict[str, F.Values]:
        """Metrics by name, each (b,), of weights (b, n)."""
        ...

    def influence(self, metric: str) -> F.Values | None:
        """The derivative of a metric, times n, in each item's weight, (n,), where its replicates are linearised."""
        ...


@dataclass(frozen=True)
class Anew:
    """Predictions of which a metric can be computed anew, alone or mixed with those of another contestant.

    Attributes:
        scores: (s, n, ...), one a seed.
        evaluator: From scores of items, one after the other as often as they are given, to metrics of weights.
        unit_of: int64 (n,), the group of each item; the item itself without groups.
    """

    scores: AnyArray
    evaluator: Callable[[AnyArray], Evaluator]
    unit_of: AnyArray


@dataclass(frozen=True)
class Measured:
    """One metric of one contestant on a test set.

    Attributes:
        metric: Its name.
        value: Mean over seeds, as it comes; debiasing can take ECE below 0.
        by_seed: Value of each seed, (s,).
        replicates: Bootstrap replicates, (b,), seeds and items (or groups) drawn together.
        sums: What each unit (item or group) adds to the metric, (u,), mean over seeds; None where the metric is no such
            sum even while labels stay as they are.
        hits: Whether each item counts, bool (n,), where the metric is a mean of that and items are the units.
        units: What was resampled.
        boundary: See `intervals.interval`.
        freedom: See `intervals.interval`.
        anew: The predictions, where there are no `sums`.
    """

    metric: str
    value: float
    by_seed: F.Values
    replicates: F.Values
    sums: F.Values | None
    hits: AnyArray | None
    units: Units
    boundary: float | None = None
    freedom: float | None = None
    anew: Anew | None = None

    @property
    def shown(self) -> float:
        """The value as it is reported."""
        return self.estimate().value

    @property
    def spread(self) -> float:
        """Standard deviation over seeds; NaN with one."""
        return float(np.std(self.by_seed, ddof=1)) if len(self.by_seed) > 1 else float("nan")

    def estimate(self) -> Estimate:
        """Mean over seeds with its 95 % interval over seeds and items."""
        return estimate(
            self.metric, self.value, self.replicates, self.units,
            boundary=self.boundary, freedom=self.freedom, seeds=len(self.by_seed),
        )  # fmt: skip


def measure(
    scores: AnyArray,
    labels: AnyArray,
    groups: AnyArray | None = None,
    *,
    metric: str = "accuracy",
    multi_label: bool = False,
    unseen: Sequence[int] = (),
    replicates: int = 1000,
    seed: int = 0,
) -> Measured:
    """Measure a contestant; two on the same items are resampled alike.

    Args:
        scores: Logits (n, c), or (s, n, c) for s seeds.
        labels: int64 (n,); bool (n, c) where multi-label.
        groups: (n,) groups.
        metric: A name that `classification_metrics` or `unseen_metrics` returns.
        multi_label: Several labels per item.
        unseen: Classes without training images, for the metrics that set them apart.
        replicates: Number of bootstrap resamples.
        seed: Seeds the resamples.

    Raises:
        DataError: Scores and labels do not fit, or scores are not finite.
        UnknownMetricError: The metric is unknown, or undefined on these items.
    """
    stacked = np.asarray(scores)
    stacked = stacked[None] if stacked.ndim == 2 else stacked
    if stacked.ndim != 3 or stacked.shape[2] == 0:
        raise DataError(f"scores: expected logits (n, classes) or (seeds, n, classes), got shape {np.shape(scores)}.")
    build = partial(_evaluator, labels=np.asarray(labels), metric=metric, multi_label=multi_label, unseen=unseen)
    evaluators = [build(run) for run in stacked]
    resampler = Resampler(len(labels), groups, replicates=replicates, seed=seed)
    values, drawn = replicate(evaluators, resampler)
    if metric not in values:
        known = ", ".join(name for name in values if "/" not in name)
        raise UnknownMetricError(
            f"metric {metric!r} is unknown or undefined on these items.{known and ' Known: '}{known}"
        )
    if metric in evaluators[0].terms:
        by_item = np.stack([np.asarray(run.terms[metric], np.float64) for run in evaluators])
        return _of_means(metric, float(values[metric][0]), drawn[metric], by_item, resampler)
    sums = None
    if metric in evaluators[0].fixed_sums:
        by_item = np.mean([run.fixed_sums[metric] for run in evaluators], axis=0)
        sums = np.bincount(resampler.unit_of, weights=by_item).astype(np.float64)
    return Measured(
        metric,
        value=float(values[metric][0]),
        by_seed=np.array([float(run(F.ones(resampler.n))[metric][0]) for run in evaluators]),
        replicates=drawn[metric],
        sums=sums,
        hits=None,
        units=resampler.units,
        boundary=evaluators[0].boundary.get(metric),
        anew=Anew(stacked, build, resampler.unit_of) if sums is None else None,
    )


def measure_items(
    values: AnyArray,
    groups: AnyArray | None = None,
    *,
    metric: str,
    replicates: int = 1000,
    seed: int = 0,
) -> Measured:
    """Measure a contestant by a metric that is a mean over items: hits of retrieval or matching, mAP, CIDEr.

    Args:
        values: (n,), or (s, n) for s seeds; bool for hits.
        groups: (n,) groups.
        metric: What the mean is called.
        replicates: Number of bootstrap resamples.
        seed: Seeds the resamples.

    Raises:
        DataError: Values are not finite.
    """
    by_item = check_finite(np.atleast_2d(np.asarray(values, np.float64)), f"values of {metric}")
    resampler = Resampler(by_item.shape[1], groups, replicates=replicates, seed=seed)
    # Seeds are weighted after items, so one pass over the weights does for all of them.
    means = np.concatenate([F.weighted_means(by_item.T, block) for block in resampler.weights()])
    drawn = np.einsum("bs,bs->b", resampler.seed_weights(len(by_item)), means)
    return _of_means(metric, float(by_item.mean()), drawn, by_item, resampler)


def _of_means(metric: str, value: float, drawn: F.Values, by_item: F.Values, resampler: Resampler) -> Measured:
    """A metric that is the mean of `by_item`, (s, n), over items and seeds; `drawn` are its replicates."""
    terms = by_item.mean(axis=0)
    sums = np.bincount(resampler.unit_of, weights=terms).astype(np.float64)
    countable = resampler.n_groups is None and np.isin(terms, (0, 1)).all()
    hits = terms.astype(np.bool_) if countable else None
    return Measured(
        metric, value, by_item.mean(axis=1), drawn, sums, hits, resampler.units, freedom=resampler.freedom(terms)
    )


def _evaluator(
    scores: AnyArray, labels: AnyArray, *, metric: str, multi_label: bool, unseen: Sequence[int]
) -> Evaluator:
    """Of scores (n, c), or of several runs' behind one another."""
    # A permutation costs what a resample costs, but there are many more of them.
    exact = F.EXACT_PAIRS if len(scores) == len(labels) else _EXACT_PAIRS_EXCHANGED
    repeated = np.concatenate([labels] * max(1, round(len(scores) / max(1, len(labels)))))
    if metric in UNSEEN_METRICS and len(unseen):
        return SeenAndUnseen(scores, repeated, np.asarray(unseen))
    kind = MultiLabel if multi_label else SingleLabel
    return kind(scores, repeated, [metric], exact_pairs=exact)
