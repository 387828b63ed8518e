"""Two runs on the same test items, compared pair by pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import functional as F
from workbench.metrics.alignment import NotComparableError
from workbench.metrics.exchange import exchange_test
from workbench.metrics.intervals import Units, difference_interval
from workbench.metrics.measured import Measured, SeedPredictions, measure, measure_items
from workbench.metrics.sign_flips import sign_flip, sign_flips
from workbench.metrics.significance import mcnemar


@dataclass(frozen=True)
class PairedDifference:
    """The metric of run A minus that of run B on the same items.

    Attributes:
        value: The difference.
        low: Lower end of its 95 % bootstrap interval.
        high: Upper end.
        p_value: Of the test, uncorrected; see `significance.holm` for a family.
        test: The test, in words.
        reliable: False where effectively fewer than 20 groups (items, where there are none) were resampled.
        n: Number of items.
        n_groups: Number of groups, or None.
    """

    value: float
    low: float
    high: float
    p_value: float
    test: str
    reliable: bool
    n: int
    n_groups: int | None = None


def compare_paired(
    scores_a: AnyArray,
    scores_b: AnyArray,
    labels: AnyArray,
    groups: AnyArray | None = None,
    *,
    metric: str = "accuracy",
    multi_label: bool = False,
    unseen: Sequence[int] | AnyArray = (),
    positive: int = 1,
    domains: AnyArray | None = None,
    replicates: int = 1000,
    draws: int = 9_999,
    seed: int = 0,
) -> PairedDifference:
    """A classification metric of run A minus that of run B, with interval and test.

    Interval: bootstrap over items, or groups; both runs are resampled alike, and seeds along with them (as pairs where
    both have equally many). Test: exact McNemar for accuracy without groups and seeds; otherwise the two runs'
    predictions are exchanged at random within groups, or items where there are none, and the metric is computed anew,
    see `exchange.exchange_test`. For sums over items that is a sign-flip test of each unit's part of the difference;
    so it is for AUROC and average precision of more than about 1,000 items, whose first-order expansion about the
    two runs' pooled predictions is exchanged.
    Seeds are averaged in the test; the interval alone counts their spread.

    Args:
        scores_a: Logits (n, c), or (s, n, c) for s seeds.
        scores_b: Logits of the other run, rows in the same order; see `align_items`.
        labels: int64 (n,); bool (n, c) where multi-label.
        groups: (n,) groups.
        metric: A name that `classification_metrics` or `unseen_metrics` returns.
        multi_label: Several labels per item.
        unseen: Classes without training images, for the metrics that set them apart.
        positive: See `classification_metrics`.
        domains: Domain of each item, int64 (n,) from 0 on, -1 for none, for the metrics over domains.
        replicates: Number of bootstrap resamples.
        draws: Random exchanges; the smallest p-value is 1 / (draws + 1).
        seed: Seeds resamples and exchanges.

    Raises:
        NotComparableError: The runs do not have the same number of items or classes.
        WorkbenchError: The metric is unknown, or undefined on these items.
    """
    if np.shape(scores_a)[-2:] != np.shape(scores_b)[-2:]:
        raise NotComparableError(
            "The runs do not have the same items and classes: "
            f"A has {np.shape(scores_a)[-2:]} scores, B has {np.shape(scores_b)[-2:]}."
        )
    a, b = (
        measure(
            scores, labels, groups,
            metric=metric, multi_label=multi_label, unseen=unseen, positive=positive,
            domains=domains, replicates=replicates, seed=seed,
        )
        for scores in (scores_a, scores_b)
    )  # fmt: skip
    return compare_two(a, b, draws=draws, seed=seed)


def compare_measured(
    measured: Sequence[Measured], pairs: Sequence[tuple[int, int]], *, draws: int = 9_999, seed: int = 0
) -> list[PairedDifference]:
    """Differences of many pairs on one test set, each as `compare_paired` gives it.

    Random sign patterns are drawn once for all pairs, and p-values too small for them to resolve are bounded; see
    `sign_flips.sign_flips`. For other metrics than sums over items give more draws the more pairs are corrected for.

    Args:
        measured: All by the same metric, items, groups and seed.
        pairs: (i, j) for `measured[i]` minus `measured[j]`.
        draws: Random exchanges.
        seed: Seeds them.
    """
    differences: list[PairedDifference | None] = [None] * len(pairs)
    flipped = []
    for k, (i, j) in enumerate(pairs):
        a, b = measured[i], measured[j]
        if a.sums is not None and b.sums is not None and (a.hits is None or b.hits is None):
            flipped.append((k, a.sums - b.sums))
        else:
            differences[k] = compare_two(a, b, draws=draws, seed=seed)
    if flipped:
        p_values, exact = sign_flips(np.column_stack([sums for _, sums in flipped]), draws=draws, seed=seed)
        for (k, _), p_value, every in zip(flipped, p_values, exact, strict=True):
            a, b = (measured[side] for side in pairs[k])
            differences[k] = _difference(a, b, float(p_value), _named("sign-flip", a.units, exact=bool(every)))
    return [difference for difference in differences if difference is not None]


def compare_items(
    values_a: AnyArray,
    values_b: AnyArray,
    groups: AnyArray | None = None,
    *,
    metric: str = "mean",
    replicates: int = 1000,
    draws: int = 9_999,
    seed: int = 0,
) -> PairedDifference:
    """The mean of A's values over items minus that of B's: hits of retrieval or matching, ranks, losses.

    Args:
        values_a: (n,); bool for hits.
        values_b: (n,), in the same order.
        groups: (n,) groups.
        metric: The mean's name.
        replicates: Number of bootstrap resamples.
        draws: Random sign patterns of the sign-flip test, which stands in for McNemar's where values are not bool.
        seed: Seeds both.

    Raises:
        NotComparableError: Not the same number of items.
    """
    if np.shape(values_a) != np.shape(values_b):
        raise NotComparableError(f"A has {len(values_a)} test items, B has {len(values_b)}.")
    a, b = (
        measure_items(values, groups, metric=metric, replicates=replicates, seed=seed)
        for values in (values_a, values_b)
    )
    return compare_two(a, b, draws=draws, seed=seed)


def compare_two(a: Measured, b: Measured, *, draws: int = 9_999, seed: int = 0) -> PairedDifference:
    """The value of A minus that of B, as `compare_paired` gives it."""
    if a.hits is not None and b.hits is not None:
        p_value = mcnemar(int(np.count_nonzero(a.hits > b.hits)), int(np.count_nonzero(b.hits > a.hits)))
        return _difference(a, b, p_value, "exact McNemar test")
    if a.sums is not None and b.sums is not None:
        p_value, exact = sign_flip(a.sums - b.sums, draws=draws, seed=seed)
        return _difference(a, b, p_value, _named("sign-flip", a.units, exact=exact))
    if a.predictions is None or b.predictions is None:
        raise NotComparableError(f"metric {a.name!r} cannot be computed anew from one of the two runs' predictions.")
    p_value, exact = _exchanged(a.name, a.predictions, b.predictions, draws, seed)
    return _difference(a, b, p_value, _named("exchange", a.units, exact=exact))


def _exchanged(metric: str, a: SeedPredictions, b: SeedPredictions, draws: int, seed: int) -> tuple[float, bool]:
    """The exchange test of the mean over seeds; run s of A is exchanged with run s of B, the fewer ones repeated."""
    seeds = lcm(len(a.scores), len(b.scores))
    pairs = sorted({(s % len(a.scores), s % len(b.scores)) for s in range(seeds)})
    evaluators = [a.evaluator(np.concatenate([a.scores[i], b.scores[j]])) for i, j in pairs]
    n = len(a.unit_of)
    linear = [run.influence(metric) for run in evaluators]
    if linear[0] is not None:
        # Exchanges leave the pooled predictions as they are, so an expansion about these is as valid a statistic.
        moved = np.mean([part[:n] - part[n:] for part in linear if part is not None], axis=0)
        return sign_flip(np.bincount(a.unit_of, weights=moved).astype(np.float64), draws=draws, seed=seed)

    def difference(as_a: FloatArray) -> F.Values:
        as_b = np.hstack([as_a[:, n:], as_a[:, :n]])
        weights = np.concatenate([as_a, as_b])
        of_a, of_b = np.split(np.mean([run(weights)[metric] for run in evaluators], axis=0), 2)
        return np.asarray(of_a - of_b)

    unlike = np.zeros(n, dtype=np.bool_)
    for i, j in pairs:
        unlike |= np.reshape(a.scores[i] != b.scores[j], (n, -1)).any(axis=1)
    differs = np.bincount(a.unit_of, weights=unlike) > 0
    return exchange_test(difference, a.unit_of, differs, draws=draws, seed=seed)


def _difference(a: Measured, b: Measured, p_value: float, test: str) -> PairedDifference:
    value = a.shown - b.shown
    low, high = difference_interval(a.metric, value, a.replicates - b.replicates, a.units, boundary=a.boundary)
    return PairedDifference(value, low, high, p_value, test, a.units.reliable, a.units.n, a.units.n_groups)


def _named(test: str, units: Units, *, exact: bool) -> str:
    return f"exact {test} test over {units}" if exact else f"{test} test over {units}"
