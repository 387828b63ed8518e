"""First-order expansions of AUROC and average precision in the item weights, each from one sort.

n times the derivative of a metric with respect to each item's weight is its infinitesimal-jackknife influence (Efron
and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 21). For AUROC these are the placement values of DeLong,
DeLong and Clarke-Pearson (Biometrics 1988), centred.
"""

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.metrics.functional._weights import Values


def auroc_influence(scores: AnyArray, targets: BoolArray) -> tuple[float, Values]:
    """AUROC of scores (n,) for targets (n,), and its influence (n,), which sums to 0."""
    order, last, run = _runs(scores)
    positive = targets[order]
    positives, negatives = np.cumsum(positive)[last], np.cumsum(~positive)[last]
    # A tie counts one half: the mean of what stands up to the run's end and what stands before the run.
    above_pos = 0.5 * (positives + np.r_[0, positives[:-1]])[run]
    above_neg = 0.5 * (negatives + np.r_[0, negatives[:-1]])[run]
    p, q = positives[-1], negatives[-1]
    placement = np.where(positive, 1.0 - above_neg / q, above_pos / p)
    value = float(placement[positive].mean())
    influence = np.empty(len(scores))
    influence[order] = len(scores) * (placement - value) / np.where(positive, p, q)
    return value, influence


def average_precision_influence(scores: AnyArray, targets: BoolArray) -> tuple[float, Values]:
    """Average precision of scores (n,) for targets (n,), and its influence (n,), which sums to 0.

    The metric is the mean over positives i of T_i / N_i, with T_i and N_i the weight of the positives and of all items
    that score at least s_i.
    """
    order, last, run = _runs(scores)
    positive = targets[order]
    hits, seen = np.cumsum(positive)[last][run], (last + 1)[run]
    share = hits / seen
    value = float(share[positive].mean())
    # An item counts in T_i and N_i of the positives of its own run and of every later one.
    through_hits = _from_own_run(np.where(positive, 1.0 / seen, 0.0), last, run)
    through_seen = _from_own_run(np.where(positive, share / seen, 0.0), last, run)
    influence = np.empty(len(scores))
    influence[order] = np.where(positive, share - value + through_hits, 0.0) - through_seen
    influence *= len(scores) / positive.sum()
    return value, influence


def _runs(scores: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Order by falling score, the last position of each run of equal scores, and the run of each position."""
    order = np.argsort(-scores, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(scores[order])), len(scores) - 1]
    return order, last, np.repeat(np.arange(len(last)), np.diff(np.r_[-1, last]))


def _from_own_run(terms: Values, last: AnyArray, run: AnyArray) -> Values:
    """Sum of `terms` over each position's own run and all later ones."""
    first = np.r_[0, last[:-1] + 1]
    return np.asarray(np.cumsum(terms[::-1])[::-1][first][run])
