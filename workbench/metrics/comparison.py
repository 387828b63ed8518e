"""Two runs on the same test items, compared pair by pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import WorkbenchError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler
from workbench.metrics._checks import check_finite
from workbench.metrics.estimate import interval
from workbench.metrics.measured import Measured, measure
from workbench.metrics.significance import mcnemar, sign_flip, sign_flips


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
    a, b = (
        measure(scores, labels, groups, metric=metric, multi_label=multi_label, replicates=replicates, seed=seed)
        for scores in (scores_a, scores_b)
    )
    if a.hits is not None and b.hits is not None:
        return _difference(a, b, *_mcnemar(a.hits, b.hits))
    p_value, exact = sign_flip(a.contributions - b.contributions, draws=draws, seed=seed)
    return _difference(a, b, p_value, _named(a.units, exact=exact))


def compare_measured(
    measured: Sequence[Measured], pairs: Sequence[tuple[int, int]], *, draws: int = 9_999, seed: int = 0
) -> list[PairedDifference]:
    """Differences of many pairs on one test set, each as `compare_paired` gives it.

    The sign patterns are drawn once for all pairs, and p-values too small for them to resolve are bounded; see
    `significance.sign_flips`.

    Args:
        measured: What was measured with the same metric, items, groups and seed.
        pairs: (i, j) for `measured[i]` minus `measured[j]`.
        draws: Random sign patterns.
        seed: Seeds them.
    """
    found: list[PairedDifference | None] = [None] * len(pairs)
    flipped = []
    for k, (i, j) in enumerate(pairs):
        a, b = measured[i], measured[j]
        if a.hits is not None and b.hits is not None:
            found[k] = _difference(a, b, *_mcnemar(a.hits, b.hits))
        else:
            flipped.append(k)
    if flipped:
        columns = [measured[i].contributions - measured[j].contributions for i, j in (pairs[k] for k in flipped)]
        p_values, exact = sign_flips(np.column_stack(columns), draws=draws, seed=seed)
        for k, p_value, every in zip(flipped, p_values, exact, strict=True):
            a, b = (measured[side] for side in pairs[k])
            found[k] = _difference(a, b, float(p_value), _named(a.units, exact=bool(every)))
    return [difference for difference in found if difference is not None]


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
    if resampler.n_groups is None and np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all():
        p_value, test = _mcnemar(a, b)
    else:
        sums = np.bincount(resampler.unit_of, weights=a - b).astype(np.float64)
        p_value, exact = sign_flip(sums, draws=draws, seed=seed)
        units = f"{resampler.n_units} {'items' if resampler.n_groups is None else 'groups'}"
        test = _named(units, exact=exact)
    return PairedDifference(value, low, high, p_value, test, resampler.reliable, resampler.n, resampler.n_groups)


def _difference(a: Measured, b: Measured, p_value: float, test: str) -> PairedDifference:
    value = a.shown - b.shown
    low, high = interval(a.metric, value, a.replicates - b.replicates, bounds=(-1.0, 1.0))
    return PairedDifference(value, low, high, p_value, test, a.reliable, a.n, a.n_groups)


def _mcnemar(a: AnyArray, b: AnyArray) -> tuple[float, str]:
    return mcnemar(int(np.count_nonzero(a > b)), int(np.count_nonzero(b > a))), "exact McNemar test"


def _named(units: str, *, exact: bool) -> str:
    return f"exact sign-flip test over {units}" if exact else f"sign-flip test over {units}"
