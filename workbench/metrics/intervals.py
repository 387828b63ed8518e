"""95 % intervals from bootstrap replicates: by percentiles, and for shares those of a binomial proportion."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import NamedTuple

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics.functional import Values
from workbench.metrics.metric import Bounds, Metric, Quantity

MIN_UNITS = 20
"""Intervals that rest on effectively fewer groups (items, where there are no groups) are marked unreliable."""
_LEVEL = 0.95
_TAIL = (1 - _LEVEL) / 2
_EQUAL = 1e-12


@dataclass(frozen=True)
class Units:
    """The resampled items or groups.

    Attributes:
        n: Number of test items.
        n_groups: Number of groups, or None where items are resampled.
        effective: Number of equal groups that carry as much information, see `effective_number`; `n` without groups.
    """

    n: int
    n_groups: int | None
    effective: float

    @property
    def reliable(self) -> bool:
        """Whether there are enough units to trust an interval."""
        return round(self.effective) >= MIN_UNITS

    def __str__(self) -> str:
        return f"{self.n} items" if self.n_groups is None else f"{self.n_groups} groups"


def effective_number(weights: AnyArray) -> float:
    """Number of equal weights for a mean of the same variance: (sum w)^2 / sum w^2 (Kish, Survey Sampling, 1965).

    Args:
        weights: (u,) weights of units, for groups their numbers of items.
    """
    exact = np.asarray(weights, np.float64)
    return float(exact.sum() ** 2 / np.square(exact).sum())


def degrees_of_freedom(values: AnyArray, unit_of: AnyArray) -> float:
    """Degrees of freedom of Student's t for the variance of a mean over items in groups.

    2 / (sum e^4 / (sum e^2)^2 - 1 / u), with e the deviations of the u groups' sums: Satterthwaite's approximation
    (Biometrics Bulletin 1946). It is about u for deviations that are normal, and twice the number of groups with a
    mistake where these are few.

    Args:
        values: (n,).
        unit_of: int64 (n,), group of each item.
    """
    exact = np.asarray(values, np.float64)
    squares = np.bincount(unit_of, weights=exact - exact.mean()) ** 2
    if not squares.any():
        return max(1.0, len(squares) - 1.0)
    excess = float(np.square(squares).sum() / squares.sum() ** 2) - 1 / len(squares)
    return float(np.clip(2 / max(excess, 1e-12), 1.0, max(1.0, len(squares) - 1.0)))


def interval(
    metric: Quantity,
    value: float,
    replicates: Values,
    units: Units,
    *,
    boundary: float | None = None,
    freedom: float | None = None,
    seeds: int = 1,
    tail: float = _TAIL,
) -> tuple[float, float]:
    """The 95 % interval of a metric. It always holds its own value.

    A proportion (accuracy, recall at k, ...) has the interval of Clopper and Pearson (Biometrika 1934) where single
    items of one run are counted, and of Korn and Graubard (Survey Methodology 1998) otherwise: the same with the
    number of items that has the variance which the bootstrap found. Other metrics have percentiles of the replicates;
    where these are all equal at an end of the metric's range (0 or 1 of a share), so that percentiles would claim
    certainty, it has the interval of a proportion of that value.

    Args:
        metric: The metric.
        value: Point estimate.
        replicates: Bootstrap replicates, (b,); NaN (undefined in that resample) is left out.
        units: The resampled items or groups.
        boundary: Effective number of items behind the metric, where that is not their number: a mean over classes
            rests on its rare ones.
        freedom: See `degrees_of_freedom`; from the effective number of units if None.
        seeds: Number of runs that `value` is the mean of.
        tail: Chance that each end misses by, for other levels than 95 %.
    """
    drawn = replicates[~np.isnan(replicates)]
    if not len(drawn):
        return value, value
    items = float(units.n) if boundary is None else boundary
    freedom = units.effective - 1 if freedom is None else min(freedom, units.effective - 1)
    if isinstance(metric, Metric) and metric.is_proportion and _EQUAL < value < 1 - _EQUAL:
        if units.n_groups is None and seeds == 1 and boundary is None:
            return proportion_interval(value, items, tail)
        m = max(2.0, units.effective)
        variance = float(drawn.var()) * m / (m - 1)
        number = items if variance <= 0 else min(items, value * (1 - value) / variance)
        return proportion_interval(value, number * (_t(items - 1, tail) / _t(freedom, tail)) ** 2, tail)
    least, most = metric.bounds
    # A metric that averages over classes can be equal in all resamples without being at its bound.
    if isfinite(most - least) and np.ptp(drawn) <= _EQUAL and min(value - least, most - value) <= _EQUAL:
        low, high = proportion_interval((value - least) / (most - least), min(items, units.effective), tail)
        return least + (most - least) * low, least + (most - least) * high
    return percentile_interval(value, drawn, units, centred=_is_biased(metric), bounds=metric.bounds, tail=tail)


class Part(NamedTuple):
    """One of several values of which a metric is the worst; as the arguments of `interval`."""

    value: float
    replicates: Values
    boundary: float | None


def interval_of_worst(
    metric: Quantity, value: float, parts: Sequence[Part], units: Units, *, seeds: int = 1
) -> tuple[float, float]:
    """The 95 % interval of the worst of several values, such as the least accuracy of several domains.

    The least of k estimates lies below the least of the truths, the more so the more of them are near it, and so do
    its replicates. The ends are made of the intervals of the parts instead: the least of their lower ends, which misses
    only if that of the truly worst part does, at 2.5 %; and the least of their upper ends, which misses only if one of
    the k does, at 2.5 % / k each (Bonferroni). Where one part is clearly the worst that is a little wide; it is not
    narrow anywhere. Where less is better, worst is most, and the ends are exchanged.

    Args:
        metric: The metric.
        value: Point estimate.
        parts: The values, at least one.
        units: The resampled items or groups.
        seeds: Number of runs that `value` is the mean of.
    """
    ends = [
        [
            interval(metric, part.value, part.replicates, units, boundary=part.boundary, seeds=seeds, tail=tail)
            for part in parts
        ]
        for tail in (_TAIL, _TAIL / len(parts))
    ]
    single, joint = ends
    if metric.higher_is_better:
        low, high = min(end for end, _ in single), min(end for _, end in joint)
    else:
        low, high = max(end for end, _ in joint), max(end for _, end in single)
    return min(low, value), max(high, value)


def interval_of_spread(
    metric: Quantity, value: float, parts: Sequence[Part], units: Units, bounds: Bounds, *, seeds: int = 1
) -> tuple[float, float]:
    """The 95 % interval of the highest of several values less the lowest, such as of the accuracy of several domains.

    Estimates of equal values differ by chance, so that their spread is above the truth. The ends are made of intervals
    that hold for all parts at once (Bonferroni): the highest lies between the highest lower and the highest upper end,
    the lowest between the lowest ones. Arguments as for `interval_of_worst`.

    Args:
        metric: The metric.
        value: Point estimate.
        parts: The values, at least one.
        units: The resampled items or groups.
        bounds: The range of the values.
        seeds: Number of runs that `value` is the mean of.
    """
    tail, of_part = _TAIL / len(parts), replace(metric, bounds=bounds)
    ends = [
        interval(of_part, part.value, part.replicates, units, boundary=part.boundary, seeds=seeds, tail=tail)
        for part in parts
    ]
    lows, highs = zip(*ends, strict=True)
    return min(max(0.0, max(lows) - min(highs)), value), max(max(highs) - min(lows), value)


def difference_interval(
    metric: Quantity, value: float, replicates: Values, units: Units, *, boundary: float | None = None
) -> tuple[float, float]:
    """The 95 % interval of a paired difference of a metric.

    Percentiles of the replicates. Where no unit differs, a metric of hits and misses has the interval that Tango
    (Statistics in Medicine 1998) gives n pairs without a discordant one, 0 -+ z^2 / (n + z^2).

    Args:
        metric: The metric.
        value: The difference.
        replicates: Bootstrap replicates of it, (b,).
        units: The resampled items or groups.
        boundary: See `interval`.
    """
    drawn = replicates[~np.isnan(replicates)]
    if not len(drawn):
        return value, value
    if isinstance(metric, Metric) and metric.from_counts and abs(value) <= _EQUAL and np.ptp(drawn) <= _EQUAL:
        number = min(float(units.n) if boundary is None else boundary, units.effective)
        squared = _z() ** 2
        return -squared / (number + squared), squared / (number + squared)
    return percentile_interval(value, drawn, units, centred=_is_biased(metric), bounds=metric.difference_bounds)


def _is_biased(metric: Quantity) -> bool:
    return isinstance(metric, Metric) and metric.biased_under_resampling


def percentile_interval(
    value: float,
    replicates: Values,
    units: Units,
    *,
    centred: bool = False,
    bounds: tuple[float, float],
    tail: float = _TAIL,
) -> tuple[float, float]:
    """The expanded percentile interval of Hesterberg (The American Statistician 2015, section 3.3).

    Plain percentiles of few units are too narrow, as a normal interval without Student's t would be; the levels are
    moved outwards by as much.

    A mean's replicates scatter around its value. Those of metrics that average over classes do not (rare classes
    drop out of resamples), nor those of average precision (a positive drawn twice vouches for itself) or ECE
    (resampling adds noise, which reads as miscalibration): their plain percentile interval can miss their own value.
    For these the replicates are shifted so that their mean is the value: the bias that resampling adds is taken off.

    Args:
        value: Point estimate.
        replicates: Bootstrap replicates, (b,), without NaN.
        units: The resampled items or groups.
        centred: Shift the replicates as above.
        bounds: Range that a shifted interval is clipped to.
        tail: Chance that each end misses by.
    """
    from scipy.special import ndtr

    m = max(2.0, units.effective)
    outer = float(ndtr(-sqrt(m / (m - 1)) * _t(m - 1, tail)))
    low, high = np.quantile(replicates, [outer, 1 - outer])
    if centred:
        shift = value - replicates.mean()
        low, high = np.clip([low + shift, high + shift], *bounds)
    return min(float(low), value), max(float(high), value)


def proportion_interval(value: float, number: float, tail: float = _TAIL) -> tuple[float, float]:
    """The interval of Clopper and Pearson (Biometrika 1934) of a share `value` of `number` items, not always whole.

    Each end misses by a chance of at most `tail`.
    """
    from scipy.special import betaincinv

    number = max(number, 1.0)
    hits = value * number
    low = 0.0 if hits <= _EQUAL else float(betaincinv(hits, number - hits + 1, tail))
    high = 1.0 if number - hits <= _EQUAL else float(betaincinv(hits + 1, number - hits, 1 - tail))
    return min(low, value), max(high, value)


def _t(freedom: float, tail: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1.0), 1 - tail))


def _z() -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - _TAIL))
