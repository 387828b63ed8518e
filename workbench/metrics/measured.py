"""A metric of one run group over its seeds, with all that comparisons need, so that many pairs cost little more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import UnknownMetricError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler, estimate, replicate, worst_of
from workbench.metrics._checks import check_finite
from workbench.metrics.class_scores import ClassScores, LabelScores, stacked_scores
from workbench.metrics.estimate import Estimate
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.intervals import Part, Units
from workbench.metrics.metric import Quantity
from workbench.metrics.registry import all_metrics, base_name, quantity_named

_EXACT_PAIRS_EXCHANGED = 1 << 22
"""As `ranking.EXACT_PAIRS`, for the predictions of two runs together: about 1,000 items with one label each."""


Build = Callable[[AnyArray], Evaluator]
"""From the scores of items, one after the other as often as they are given, to metrics of weights."""


@dataclass(frozen=True)
class SeedPredictions:
    """Predictions of which a metric can be computed anew, alone or mixed with those of another run group.

    Attributes:
        scores: (s, n, ...), one a seed.
        evaluator: See `Build`.
        unit_of: int64 (n,), the group of each item; the item itself without groups.
    """

    scores: AnyArray
    evaluator: Build
    unit_of: AnyArray


@dataclass(frozen=True)
class Measured:
    """One metric of one run group on a test set.

    Attributes:
        name: The metric's, with the label it is for.
        metric: Its description.
        value: Mean over seeds, not clipped; debiasing can take ECE below 0.
        by_seed: Value of each seed, (s,).
        replicates: Bootstrap replicates, (b,), seeds and items (or groups) drawn together.
        sums: Part of the metric by unit (item or group), (u,), mean over seeds; None where the metric is no such
            sum even while labels stay as they are.
        hits: Whether each item counts, bool (n,), where the metric is a mean of that and items are the units.
        units: The resampled items or groups.
        boundary: See `intervals.interval`.
        freedom: See `intervals.interval`.
        predictions: The run group's, where there are no `sums`.
        parts: What the metric is the worst of, if it is.
    """

    name: str
    metric: Quantity
    value: float
    by_seed: F.Values
    replicates: F.Values
    sums: F.Values | None
    hits: AnyArray | None
    units: Units
    boundary: float | None = None
    freedom: float | None = None
    predictions: SeedPredictions | None = None
    parts: Sequence[Part] = ()

    @property
    def shown(self) -> float:
        """The reported value."""
        return self.estimate().value

    @property
    def spread(self) -> float:
        """Standard deviation over seeds; NaN with one."""
        return float(np.std(self.by_seed, ddof=1)) if len(self.by_seed) > 1 else float("nan")

    def estimate(self) -> Estimate:
        """Mean over seeds with its 95 % interval over seeds and items."""
        return estimate(
            self.metric, self.value, self.replicates, self.units,
            boundary=self.boundary, freedom=self.freedom, seeds=len(self.by_seed), parts=self.parts,
        )  # fmt: skip


def measure(
    scores: AnyArray,
    labels: AnyArray,
    groups: AnyArray | None = None,
    *,
    metric: str = "accuracy",
    multi_label: bool = False,
    unseen: Sequence[int] | AnyArray = (),
    positive: int = 1,
    domains: AnyArray | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> Measured:
    """Measure a run group by a metric of classes or labels; two on the same items are resampled alike.

    Args:
        scores: Logits (n, c), or (s, n, c) for s seeds.
        labels: int64 (n,); bool (n, c) where multi-label.
        groups: (n,) groups.
        metric: A name that `classification_metrics` or `unseen_metrics` returns.
        multi_label: Several labels per item.
        unseen: Classes without training images, for the metrics that set them apart.
        positive: See `classification_metrics`.
        domains: Domain of each item, int64 (n,) from 0 on, -1 for none, for the metrics over domains.
        replicates: Number of bootstrap resamples.
        seed: Seeds the resamples.

    Raises:
        DataError: Scores and labels do not fit, or scores are not finite.
        UnknownMetricError: The metric is unknown, or undefined on these items.
    """
    chosen = [known_metric] if (known_metric := all_metrics().get(base_name(metric))) else []

    def build(run: AnyArray) -> Evaluator:
        repeated, exact = repeat_labels(np.asarray(labels), len(run)), exact_pairs(len(run), len(labels))
        codes = None if domains is None else repeat_labels(np.asarray(domains), len(run))
        if multi_label:
            return Evaluator(chosen, LabelScores(run, repeated, exact_pairs=exact, domains=codes))
        scores_of_run = ClassScores(
            run, repeated, unseen=unseen, positive=positive, exact_pairs=exact, domains=codes
        )  # fmt: skip
        return Evaluator(chosen, scores_of_run)

    return measure_scores(stacked_scores(scores), build, groups, metric=metric, replicates=replicates, seed=seed)


def repeat_labels(labels: AnyArray, n: int) -> AnyArray:
    """Labels of items as often as their scores come, one after the other, n in all."""
    return np.concatenate([labels] * max(1, round(n / max(1, len(labels)))))


def exact_pairs(n: int, items: int) -> int:
    """`functional.Ranking`'s bound for n scores of so many items.

    An exchange of two runs' predictions costs what a resample costs, but there are many more of them.
    """
    return F.EXACT_PAIRS if n == items else _EXACT_PAIRS_EXCHANGED


def measure_scores(
    scores: AnyArray,
    build: Build,
    groups: AnyArray | None = None,
    *,
    metric: str,
    replicates: int = 1000,
    seed: int = 0,
) -> Measured:
    """Measure a run group by a metric that is a function of all items' scores.

    Args:
        scores: (s, n, ...), one a seed.
        build: Gives an evaluator that has the metric.
        groups: (n,) groups.
        metric: Its name.
        replicates: Number of bootstrap resamples.
        seed: Seeds the resamples.

    Raises:
        UnknownMetricError: The metric is unknown, or undefined on these items.
    """
    evaluators = [build(run) for run in scores]
    first = evaluators[0]
    resampler = Resampler(scores.shape[1], groups, replicates=replicates, seed=seed)
    values, drawn = replicate(evaluators, resampler)
    if metric not in values:
        raise UnknownMetricError(f"metric {metric!r} is unknown or undefined on these items.")
    if metric in first.terms:
        by_item = np.stack([np.asarray(run.terms[metric], np.float64) for run in evaluators])
        return _of_means(metric, float(values[metric][0]), drawn[metric], by_item, resampler)
    sums = None
    if metric in first.fixed_sums:
        by_item = np.mean([run.fixed_sums[metric] for run in evaluators], axis=0)
        sums = np.bincount(resampler.unit_of, weights=by_item).astype(np.float64)
    return Measured(
        metric,
        quantity_named(metric),
        value=float(values[metric][0]),
        by_seed=np.array([float(run(F.ones(resampler.n))[metric][0]) for run in evaluators]),
        replicates=drawn[metric],
        sums=sums,
        hits=None,
        units=resampler.units,
        boundary=first.boundary.get(metric),
        predictions=SeedPredictions(scores, build, resampler.unit_of) if sums is None else None,
        parts=worst_of(metric, values, drawn, first.boundary),
    )


def measure_items(
    values: AnyArray,
    groups: AnyArray | None = None,
    *,
    metric: str,
    replicates: int = 1000,
    seed: int = 0,
) -> Measured:
    """Measure a run group by a metric that is a mean over items: hits of retrieval or matching, mAP, CIDEr.

    Args:
        values: (n,), or (s, n) for s seeds; bool for hits.
        groups: (n,) groups.
        metric: The mean's name.
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
        metric, quantity_named(metric), value, by_item.mean(axis=1), drawn, sums, hits, resampler.units,
        freedom=resampler.freedom(terms),
    )  # fmt: skip
