"""Calibration: equal-mass bins, the calibration curve, and the debiased calibration error."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics.functional._weights import Values, ratio

DEFAULT_BINS = 15


def equal_mass_bins(confidence: AnyArray, bins: int = DEFAULT_BINS) -> AnyArray:
    """Bin of each confidence, int64, same shape; bins hold about equally many and equal values share one.

    There are fewer bins where they would hold under ten items each: the normal approximation behind the debiasing
    needs that many.
    """
    flat = np.sort(np.asarray(confidence).ravel())
    count = max(1, min(bins, len(flat) // 10))
    # Inner edges are values of the sample, so that a constant predictor has one bin.
    inner = np.unique(flat[(np.arange(1, count) * len(flat)) // count])
    members = np.searchsorted(inner, np.asarray(confidence), side="right")
    return np.asarray(np.unique(members, return_inverse=True)[1].reshape(np.shape(confidence)), dtype=np.int64)


class BinSums:
    """Weight, confidence and hits by bin as functions of item weights.

    Args:
        confidence: Predicted probability that an outcome happens, (n,) or (n, l) with l decisions an item.
        outcome: Whether it happened, bool, same shape.
        bins: At most this many bins of equal mass; they stay fixed when weights change.
        known: Which outcomes are known, bool, same shape; others count in no bin. None for all.
    """

    def __init__(
        self, confidence: AnyArray, outcome: AnyArray, bins: int = DEFAULT_BINS, known: AnyArray | None = None
    ) -> None:
        n = len(confidence)
        counts = np.ones(np.shape(confidence), np.bool_) if known is None else known
        item = np.broadcast_to(np.arange(n).reshape(n, *[1] * (counts.ndim - 1)), counts.shape)[counts]
        confidence, outcome = confidence[counts], outcome[counts]
        members = equal_mass_bins(confidence, bins)
        count = int(members.max()) + 1
        cells = item * count + members
        terms = (np.ones(cells.size), confidence, outcome)
        self._terms = np.hstack([np.bincount(cells, t, minlength=n * count).reshape(n, count) for t in terms])

    def __call__(self, weights: FloatArray) -> tuple[Values, Values, Values]:
        """Total weight, confidence and hits by bin, each (b, bins)."""
        sums = weights.astype(np.float64) @ self._terms
        count, confidence, hits = np.split(sums, 3, axis=1)
        return count, confidence, hits


def calibration_error(count: Values, confidence: Values, hits: Values, *, debias: bool = True) -> Values:
    """Expected calibration error over bins, (b,), from sums by bin (b, bins).

    The plain estimate, sum_k n_k / n |hits_k - confidence_k| / n_k, is biased upwards: sampling noise in a bin counts
    as miscalibration, and resampling adds noise again, so that the plain estimate's bootstrap interval can lie wholly
    above it. The debiased estimate is that of Kumar, Liang and Ma (NeurIPS 2019), in the form that their library
    `uncertainty-calibration` gives it for the L1 error: a bin's gap g would be seen as |N(g, s^2)| with
    s^2 = a (1 - a) / n_k and a the bin's accuracy, so what that adds to |g| is taken off. The mean of the folded normal
    is used in closed form instead of by simulation. Gaps that are large against s come out nearly unbiased, and a
    perfectly calibrated classifier keeps 59 % of the plain estimate's bias (2 - sqrt 2). The result can be below 0,
    where a classifier looks better calibrated than chance allows; reports clip it.

    Args:
        count: Total weight by bin.
        confidence: Summed confidence by bin.
        hits: Summed outcomes by bin.
        debias: False for the plain estimate.
    """
    share = ratio(count, count.sum(axis=1, keepdims=True))
    size = np.where(count > 0, count, 1.0)
    gap = (hits - confidence) / size
    if debias:
        accuracy = np.clip(hits / size, 0.0, 1.0)
        spread = np.sqrt(accuracy * (1.0 - accuracy) / size)
        error = 2.0 * np.abs(gap) - _folded_normal_mean(gap, spread)
    else:
        error = np.abs(gap)
    return np.asarray((share * error).sum(axis=1))


def _folded_normal_mean(mean: Values, spread: Values) -> Values:
    """E|N(mean, spread^2)|; |mean| where the spread is 0."""
    from scipy.special import erf

    size = np.abs(mean)
    scaled = np.divide(size, spread * math.sqrt(2.0), out=np.full_like(size, np.inf), where=spread > 0)
    return np.asarray(spread * math.sqrt(2.0 / math.pi) * np.exp(-(scaled**2)) + size * erf(scaled))


@dataclass(frozen=True)
class CalibrationCurve:
    """The values of a reliability diagram, one entry a bin.

    Attributes:
        confidence: Mean predicted probability.
        accuracy: Share of outcomes that happened.
        low: Lower end of the 95 % Wilson interval of the accuracy.
        high: Upper end.
        count: Number of decisions.
    """

    confidence: Values
    accuracy: Values
    low: Values
    high: Values
    count: Values


def calibration_curve(confidence: AnyArray, outcome: AnyArray) -> CalibrationCurve:
    """The calibration curve over equal-mass bins.

    Args:
        confidence: Predicted probabilities, (n,) or (n, l).
        outcome: Whether the predicted thing happened, bool, same shape.
    """
    sums = BinSums(confidence, outcome)(np.ones((1, len(confidence)), np.float32))
    count, total, hits = (part[0] for part in sums)
    low, high = _wilson(np.rint(hits), np.rint(count))
    return CalibrationCurve(total / count, hits / count, low, high, count)


def _wilson(hits: Values, count: Values) -> tuple[Values, Values]:
    """Wilson's 95 % interval of shares, closed at 0 and 1 (Brown, Cai and DasGupta, Statistical Science 2001).

    `scipy.stats.binomtest` says the same, and takes a second longer to import.
    """
    share, z = hits / count, NormalDist().inv_cdf(0.975)
    centre, width = hits + z * z / 2, z * np.sqrt(count * share * (1 - share) + z * z / 4)
    low, high = (centre - width) / (count + z * z), (centre + width) / (count + z * z)
    return np.where(hits == 0, 0.0, low), np.where(hits == count, 1.0, high)
