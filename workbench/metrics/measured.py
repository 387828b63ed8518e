"""A metric of one contestant over its seeds, kept with what comparisons need, so that many pairs cost little more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import UnknownMetricError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Evaluator, Resampler, replicate
from workbench.metrics._checks import check_finite
from workbench.metrics.classification import classification_evaluators
from workbench.metrics.estimate import Estimate, interval

_MAX_UNITS = 500


@dataclass(frozen=True)
class Measured:
    """One metric of one contestant on a test set.

    Attributes:
        metric: Its name.
        value: Mean over seeds, as it comes; debiasing can take ECE below 0.
        by_seed: Value of each seed, (s,).
        replicates: Bootstrap replicates, (b,), seeds and items (or groups) drawn together.
        contributions: What each unit (item, group, or units merged at random) adds to the metric, (u,): its sum for
            metrics that are means over items, its jackknife pseudo-value for others. Means over seeds.
        hits: Whether each item counts, bool (n,), where the metric is a mean of that and items are the units.
        reliable: Whether at least 20 units were resampled.
        n: Number of items.
        n_groups: Number of groups, or None.
    """

    metric: str
    value: float
    by_seed: F.Values
    replicates: F.Values
    contributions: F.Values
    hits: AnyArray | None
    reliable: bool
    n: int
    n_groups: int | None

    @property
    def shown(self) -> float:
        """The value as it is reported."""
        return max(self.value, 0.0)

    @property
    def spread(self) -> float:
        """Standard deviation over seeds; NaN with one."""
        return float(np.std(self.by_seed, ddof=1)) if len(self.by_seed) > 1 else float("nan")

    @property
    def units(self) -> str:
        """What was resampled, in words."""
        return f"{self.n} items" if self.n_groups is None else f"{self.n_groups} groups"

    def estimate(self) -> Estimate:
        """Mean over seeds with its 95 % interval over seeds and items."""
        low, high = interval(self.metric, self.value, self.replicates)
        return Estimate(self.shown, max(low, 0.0), max(high, 0.0), self.reliable, self.n, self.n_groups)


def measure(
    scores: AnyArray,
    labels: AnyArray,
    groups: AnyArray | None = None,
    *,
    metric: str = "accuracy",
    multi_label: bool = False,
    replicates: int = 1000,
    seed: int = 0,
) -> Measured:
    """Measure a contestant; two on the same items are resampled alike.

    Args:
        scores: Logits (n, c), or (s, n, c) for s seeds.
        labels: int64 (n,); bool (n, c) where multi-label.
        groups: (n,) groups.
        metric: A name that `classification_metrics` returns.
        multi_label: Several labels per item.
        replicates: Number of bootstrap resamples.
        seed: Seeds the resamples.

    Raises:
        DataError: Scores and labels do not fit, or scores are not finite.
        UnknownMetricError: The metric is unknown, or undefined on these items.
    """
    evaluators = classification_evaluators(scores, labels, multi_label=multi_label, only=[metric])
    resampler = Resampler(len(labels), groups, replicates=replicates, seed=seed)
    values, drawn = replicate(evaluators, resampler)
    if metric not in values:
        known = ", ".join(name for name in values if "/" not in name)
        raise UnknownMetricError(
            f"metric {metric!r} is unknown or undefined on these items.{known and ' Known: '}{known}"
        )
    value, replicates_ = float(values[metric][0]), drawn[metric]
    if metric in evaluators[0].terms:
        by_item = np.stack([np.asarray(run.terms[metric], np.float64) for run in evaluators])
        return _of_means(metric, value, replicates_, by_item, resampler)
    by_seed = np.array([float(run(F.ones(resampler.n))[metric][0]) for run in evaluators])
    contributions = _pseudo_values(metric, evaluators, resampler, seed)
    return Measured(
        metric, value, by_seed, replicates_, contributions, None,
        resampler.reliable, resampler.n, resampler.n_groups,
    )  # fmt: skip


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
    contributions = np.bincount(resampler.unit_of, weights=terms).astype(np.float64)
    countable = resampler.n_groups is None and np.isin(terms, (0, 1)).all()
    return Measured(
        metric, value, by_item.mean(axis=1), drawn, contributions, terms.astype(np.bool_) if countable else None,
        resampler.reliable, resampler.n, resampler.n_groups,
    )  # fmt: skip


def _pseudo_values(metric: str, evaluators: Sequence[Evaluator], resampler: Resampler, seed: int) -> F.Values:
    """Jackknife pseudo-values of units, u m - (u - 1) m without the unit, averaged over seeds."""
    unit_of, units = resampler.unit_of, resampler.n_units
    if units > _MAX_UNITS:
        merged = np.random.default_rng(seed).permutation(units) % _MAX_UNITS
        unit_of, units = merged[unit_of], _MAX_UNITS
    everything = F.ones(resampler.n)
    whole = np.mean([evaluate(everything)[metric][0] for evaluate in evaluators])
    without = np.empty(units)
    rows = max(1, (64 << 20) // (8 * resampler.n))
    for start in range(0, units, rows):
        left_out = np.arange(start, min(start + rows, units))
        weights: FloatArray = (unit_of != left_out[:, None]).astype(np.float32)
        without[left_out] = np.mean([evaluate(weights)[metric] for evaluate in evaluators], axis=0)
    pseudo = units * whole - (units - 1) * without
    # Without its only group a metric can be undefined; such a unit says nothing about the difference.
    return np.asarray(np.where(np.isnan(pseudo), whole, pseudo))
