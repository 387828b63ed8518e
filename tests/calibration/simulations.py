"""Simulated runs of which the truth is known: pairs without any difference, and classifiers of a known quality."""

from dataclasses import dataclass

import numpy as np

from workbench.metrics import classification_metrics, compare_paired, measure_items
from workbench.metrics.registry import metric_named
from workbench.metrics.unpaired import unpaired_difference

SINGLE_LABEL = (
    "accuracy", "top5_accuracy", "balanced_accuracy", "macro_f1", "auroc", "average_precision", "nll", "brier", "ece",
    "seen_accuracy", "unseen_accuracy", "harmonic_accuracy", "mcc", "quadratic_kappa",
    "domain_accuracy", "worst_domain_accuracy", "worst_domain_auroc",
)  # fmt: skip
MULTI_LABEL = ("accuracy", "macro_f1", "micro_f1", "auroc", "average_precision", "nll", "brier", "ece")
TWO_CLASSES = ("sensitivity", "specificity", "mcc")
CLASSES = 7
UNSEEN = (5, 6)
DOMAINS = 3


@dataclass(frozen=True)
class Null:
    """A kind of pair of runs that do not differ but by chance.

    Attributes:
        differing: Units (items, or groups) in which the runs say different things.
        long_tail: Half of the items are of the first class, and each next class has half of the one before.
        grouped: Items come in groups of unequal size, in which a run's mistakes are alike.
        multi_label: Three labels an item instead of one class.
        n: Items.
        classes: Number of classes.
    """

    differing: int
    long_tail: bool = False
    grouped: bool = False
    multi_label: bool = False
    n: int = 120
    classes: int = CLASSES


def null_pair(kind, rng):
    """Scores of two runs, labels, groups: in `differing` units they draw alike, elsewhere they agree."""
    n = kind.n
    groups = np.sort(rng.integers(0, 30, n)) if kind.grouped else None
    unit = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    if kind.multi_label:
        labels = rng.random((n, 3)) < ((0.5, 0.15, 0.05) if kind.long_tail else (0.5, 0.4, 0.6))
        signal, c = labels.astype(float), 3
    else:
        c = kind.classes
        weights = 0.5 ** np.arange(c) if kind.long_tail else np.ones(c)
        labels = np.r_[np.arange(c), rng.choice(c, n - c, p=weights / weights.sum())]
        signal = np.eye(c)[labels]

    def draw():
        alike = rng.normal(size=(unit.max() + 1, c))[unit] if kind.grouped else 0.0
        return 1.5 * signal + rng.normal(size=(n, c)) + alike

    a = draw()
    chosen = rng.choice(unit.max() + 1, min(kind.differing, unit.max() + 1), replace=False)
    b = np.where(np.isin(unit, chosen)[:, None], draw(), a)
    return (2 * a - kind.multi_label), (2 * b - kind.multi_label), labels, groups


def null_p_value(kind, metric, seed, draws=199):
    """The p-value of one such pair; NaN where the metric is not defined on it."""
    a, b, labels, groups = null_pair(kind, np.random.default_rng([seed, kind.differing, kind.grouped]))
    unseen = UNSEEN if metric.startswith(("seen", "unseen", "harmonic")) else ()
    return compare_paired(
        a, b, labels, groups, domains=np.arange(len(labels)) % DOMAINS,
        metric=metric, multi_label=kind.multi_label, unseen=unseen, replicates=1, draws=draws, seed=seed,
    ).p_value  # fmt: skip


@dataclass(frozen=True)
class Quality:
    """A classifier that is right with a known probability.

    Attributes:
        accuracy: That probability.
        n: Items, where there are no groups.
        groups: Number of groups, or 0.
        pareto: Group sizes are Pareto distributed instead of nearly equal.
    """

    accuracy: float
    n: int = 0
    groups: int = 0
    pareto: bool = False


def hits(kind, rng):
    """Which items are right, and their groups. What a group is like changes its own accuracy, not the mean."""
    if not kind.groups:
        return rng.random(kind.n) < kind.accuracy, None
    sizes = np.ceil(2 * (rng.pareto(1.5, kind.groups) + 1)) if kind.pareto else rng.integers(8, 13, kind.groups)
    groups = np.repeat(np.arange(kind.groups), sizes.astype(int))
    # Beta with an intraclass correlation of 0.2.
    own = rng.beta(4 * kind.accuracy, 4 * (1 - kind.accuracy), kind.groups)
    return rng.random(len(groups)) < own[groups], groups


def covers(kind, seed, replicates=400):
    """Whether the interval of accuracy holds the truth, and whether it is called reliable."""
    right, groups = hits(kind, np.random.default_rng([seed, kind.n, kind.groups, kind.pareto]))
    found = measure_items(right, groups, metric="accuracy", replicates=replicates, seed=seed).estimate()
    return found.low <= kind.accuracy <= found.high, found.reliable


def covers_gap(home, away, seed, replicates=400):
    """Whether the interval of a difference of accuracies on different items holds the truth, and how wide it is."""
    found = []
    for i, kind in enumerate((home, away)):
        right, groups = hits(kind, np.random.default_rng([seed, i, kind.n, kind.groups]))
        found.append(measure_items(right, groups, metric="accuracy", replicates=replicates, seed=seed).estimate())
    gap, truth = unpaired_difference(*found), home.accuracy - away.accuracy
    return gap.low <= truth <= gap.high, gap.high - gap.low


def classifier(n, signal, rng, classes=CLASSES):
    """Scores and labels of a classifier."""
    labels = np.r_[np.arange(classes), rng.integers(0, classes, n - classes)]
    return 2 * (signal * np.eye(classes)[labels] + rng.normal(size=(n, classes))), labels


def intervals(names, scores, labels, replicates, seed=0):
    """Metrics with their intervals; two of seven classes are unseen."""
    return classification_metrics(
        scores, labels, metrics=[metric_named(name) for name in names], replicates=replicates, seed=seed,
        unseen=UNSEEN if scores.shape[1] == CLASSES else (), domains=[str(i % DOMAINS) for i in range(len(labels))],
    )  # fmt: skip
