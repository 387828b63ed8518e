"""Two runs on the same test items, compared pair by pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import WorkbenchError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Evaluator, Resampler, replicate
from workbench.metrics._checks import check_finite
from workbench.metrics.classification import classification_evaluators
from workbench.metrics.estimate import interval
from workbench.metrics.significance import mcnemar, sign_flip

_MAX_UNITS = 500


class NotComparableError(WorkbenchError):
    """Two runs that were not made on the same test items; the message says what differs."""


@dataclass(frozen=True)
class PairedDifference:
    """The metric of run A minus that of run B on the same items.

    Attributes:
        value: The difference.
        low: Lower end of its 95 % bootstrap interval.
        high: Upper end.
        p_value: Of the test, uncorrected; see `significance.holm` for a family.
        test: What was tested, in words.
        reliable: False where fewer than 20 groups (items, where there are none) were resampled.
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


def align_items(
    ids_a: Sequence[Any] | AnyArray,
    ids_b: Sequence[Any] | AnyArray,
    labels_a: AnyArray | None = None,
    labels_b: AnyArray | None = None,
) -> AnyArray:
    """The order of B's rows in which they are A's test items, int64 (n,).

    Args:
        ids_a: Item ids of A, each once.
        ids_b: Item ids of B.
        labels_a: Labels of A's items, (n,) or (n, c).
        labels_b: Labels of B's items.

    Raises:
        NotComparableError: The test items, or their labels, are not the same; says how many and gives an example.
    """
    a, b = np.asarray(ids_a), np.asarray(ids_b)
    for name, ids in (("A", a), ("B", b)):
        unique, counts = np.unique(ids, return_counts=True)
        if len(unique) < len(ids):
            raise NotComparableError(f"Run {name} holds item {unique[counts.argmax()]} more than once.")
    only_a, only_b = np.setdiff1d(a, b), np.setdiff1d(b, a)
    if len(only_a) or len(only_b):
        example = only_a[0] if len(only_a) else only_b[0]
        raise NotComparableError(
            f"The runs were not made on the same test items: {len(only_a)} are in A only and {len(only_b)} in B only, "
            f"for example {example}."
        )
    order_b = np.argsort(b, kind="stable")
    order = np.asarray(order_b[np.searchsorted(b[order_b], a)])
    if labels_a is not None and labels_b is not None:
        same = np.asarray(labels_a) == np.asarray(labels_b)[order]
        differ = np.flatnonzero(~same.reshape(len(a), -1).all(axis=1))
        if len(differ):
            raise NotComparableError(
                f"The runs disagree about the labels of {len(differ)} test items, for example {a[differ[0]]}."
            )
    return order


def compare_paired(
    scores_a: AnyArray,
    scores_b: AnyArray,
    labels: AnyArray,
    groups: AnyArray | None = None,
    *,
    metric: str = "accuracy",
    multi_label: bool = False,
    replicates: int = 1000,
    draws: int = 9_999,
    seed: int = 0,
) -> PairedDifference:
    """A classification metric of run A minus that of run B, with interval and test.

    Interval: bootstrap over items, or groups; both runs are resampled alike, and seeds along with them (as pairs where
    both have equally many). Test: exact McNemar for accuracy without groups and seeds; otherwise a sign-flip test over
    groups, or items where there are none, of each one's contribution to the difference: its sum for metrics that are
    means over items, its jackknife pseudo-value for the others (at random merged into 500 units where there are
    more). Seeds are averaged in the test; the interval alone counts their spread.

    Args:
        scores_a: Logits (n, c), or (s, n, c) for s seeds.
        scores_b: Logits of the other run, rows in the same order; see `align_items`.
        labels: int64 (n,); bool (n, c) where multi-label.
        groups: (n,) groups.
        metric: A name that `classification_metrics` returns.
        multi_label: Several labels per item.
        replicates: Number of bootstrap resamples.
        draws: Random sign patterns; the smallest p-value is 1 / (draws + 1).
        seed: Seeds resamples and sign patterns.

    Raises:
        NotComparableError: The runs do not have the same number of items or classes.
        WorkbenchError: The metric is unknown, or undefined on these items.
    """
    if np.shape(scores_a)[-2:] != np.shape(scores_b)[-2:]:
        raise NotComparableError(
            "The runs do not have the same items and classes: "
            f"A has {np.shape(scores_a)[-2:]} scores, B has {np.shape(scores_b)[-2:]}."
        )
    a = classification_evaluators(scores_a, labels, multi_label=multi_label, only=[metric])
    b = classification_evaluators(scores_b, labels, multi_label=multi_label, only=[metric])
    resampler = Resampler(len(labels), groups, replicates=replicates, seed=seed)
    value_a, drawn_a = replicate(a, resampler)
    value_b, drawn_b = replicate(b, resampler)
    if metric not in value_a or metric not in value_b:
        known = ", ".join(name for name in value_a if "/" not in name)
        raise WorkbenchError(f"metric {metric!r} is unknown or undefined on these items.{known and ' Known: '}{known}")
    # Debiasing can take ECE below 0, where it is shown as 0.
    value = max(float(value_a[metric][0]), 0.0) - max(float(value_b[metric][0]), 0.0)
    low, high = interval(metric, value, drawn_a[metric] - drawn_b[metric], bounds=(-1.0, 1.0))
    if metric in a[0].terms:
        terms_a, terms_b = (np.mean([run.terms[metric] for run in side], axis=0) for side in (a, b))
        p_value, test = _test_of_means(terms_a, terms_b, resampler, draws, seed)
    else:
        contributions = _pseudo_values(metric, a, resampler, seed) - _pseudo_values(metric, b, resampler, seed)
        p_value, test = _sign_flip(contributions, resampler, draws, seed)
    return PairedDifference(value, low, high, p_value, test, resampler.reliable, resampler.n, resampler.n_groups)


def compare_items(
    values_a: AnyArray,
    values_b: AnyArray,
    groups: AnyArray | None = None,
    *,
    replicates: int = 1000,
    draws: int = 9_999,
    seed: int = 0,
) -> PairedDifference:
    """The mean of A's values over items minus that of B's: hits of retrieval or matching, ranks, losses.

    Args:
        values_a: (n,); bool for hits.
        values_b: (n,), in the same order.
        groups: (n,) groups.
        replicates: Number of bootstrap resamples.
        draws: Random sign patterns of the sign-flip test, which stands in for McNemar's where values are not bool.
        seed: Seeds both.

    Raises:
        NotComparableError: Not the same number of items.
    """
    if np.shape(values_a) != np.shape(values_b):
        raise NotComparableError(f"A has {len(values_a)} test items, B has {len(values_b)}.")
    a, b = (check_finite(np.asarray(values, np.float64), "values") for values in (values_a, values_b))
    resampler = Resampler(len(a), groups, replicates=replicates, seed=seed)
    drawn = np.concatenate([F.weighted_means((a - b)[:, None], block)[:, 0] for block in resampler.weights()])
    value = float(a.mean() - b.mean())
    low, high = interval("mean", value, drawn)
    p_value, test = _test_of_means(a, b, resampler, draws, seed)
    return PairedDifference(value, low, high, p_value, test, resampler.reliable, resampler.n, resampler.n_groups)


def _test_of_means(a: AnyArray, b: AnyArray, resampler: Resampler, draws: int, seed: int) -> tuple[float, str]:
    if resampler.n_groups is None and np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all():
        return mcnemar(int(np.count_nonzero(a > b)), int(np.count_nonzero(b > a))), "exact McNemar test"
    sums = np.bincount(resampler.unit_of, weights=np.asarray(a, np.float64) - b).astype(np.float64)
    return _sign_flip(sums, resampler, draws, seed)


def _sign_flip(contributions: F.Values, resampler: Resampler, draws: int, seed: int) -> tuple[float, str]:
    p_value, exact = sign_flip(contributions, draws=draws, seed=seed)
    units = f"{resampler.n_units} {'items' if resampler.n_groups is None else 'groups'}"
    return p_value, f"exact sign-flip test over {units}" if exact else f"sign-flip test over {units}"


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
