"""Metrics: one object holds all that the workbench needs to know of one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics.functional import Values

Bounds = tuple[float, float]
SHARE: Bounds = (0.0, 1.0)
PER_CENT = "%"


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """The description of a recorded number.

    Attributes:
        name: As in the run record.
        higher_is_better: Whether larger values are better.
        bounds: The range of values; values that resampling or debiasing takes beyond it are clipped.
        unit: `%` where a share of 0..1 is shown in per cent, `s` for seconds, else what follows the number, or empty.
    """

    name: str
    higher_is_better: bool = True
    bounds: Bounds = (-inf, inf)
    unit: str = ""

    @property
    def is_share(self) -> bool:
        """Whether it lies in 0..1."""
        return self.bounds == SHARE

    @property
    def difference_bounds(self) -> Bounds:
        """The range of differences of two values."""
        low, high = self.bounds
        return low - high, high - low


@dataclass(frozen=True)
class Weighted:
    """A metric of given predictions, as a function of item weights.

    The sample itself has weights of one, a bootstrap replicate the counts with which items were drawn: value, interval
    and test come from the one function.

    Attributes:
        evaluate: Values (b,) of weights (b, n). None where `terms` say it all.
        terms: (n,), where the metric is the mean of these over items.
        fixed_sums: (n,), where the metric is the sum of these while labels and weights stay as they are: means over
            items, and such as balanced accuracy, which is no mean when items are resampled.
        boundary: Effective number of items behind the metric, where that is not their number: a mean over classes rests
            on its rare ones.
        influence: The derivative of the metric, times n, in each item's weight, (n,), where replicates are linearised;
            its argument is the position of a part, or None for the metric itself. None where replicates are exact.
        parts: Values (b, k) of weights (b, n): the metric of each of k labels by itself.
        part_boundaries: As `boundary`, of each part, k; None where items are behind each.
        worst_of: Values (b, k) of weights (b, n), where the metric is the worst of these, or their spread; its interval
            is made of theirs.
        worst_boundaries: As `boundary`, of each of these.
    """

    evaluate: Callable[[FloatArray], Values] | None = None
    terms: AnyArray | None = None
    fixed_sums: AnyArray | None = None
    boundary: float | None = None
    influence: Callable[[int | None], Values | None] | None = None
    parts: Callable[[FloatArray], Values] | None = None
    part_boundaries: Sequence[float] | None = None
    worst_of: Callable[[FloatArray], Values] | None = None
    worst_boundaries: Sequence[float] | None = None


def mean_of(terms: AnyArray) -> Weighted:
    """A metric that is the mean of `terms`, (n,), over items."""
    return Weighted(terms=terms, fixed_sums=np.asarray(terms, np.float64) / len(terms))


@dataclass(frozen=True, kw_only=True)
class Metric(Quantity):
    """A metric: its name, its properties, and its function of predictions.

    Attributes:
        of: From predictions, as one object that has what `needs` names, to a function of weights; None where these
            predictions do not define the metric.
        needs: Attributes that the predictions must have, and not as None.
        is_proportion: It is a mean, weighted or not, of hits and misses, and has the interval of a binomial proportion.
        from_counts: It is a function of counts of hits and misses, blind to how far a score is from another.
        biased_under_resampling: Bootstrap replicates scatter around another number than the value: the metric averages
            over classes, which drop out of resamples, or gains from an item that is drawn twice.
        only_on_request: It is computed only where a card names it.
        part_names: Names of its parts (`Weighted.parts`) where these are not classes, labels or domains.
        spread_bounds: Where it is the highest less the lowest of several values, their range.
    """

    of: Callable[[Any], Weighted | None] = field(repr=False)
    needs: tuple[str, ...]
    is_proportion: bool = False
    from_counts: bool = False
    biased_under_resampling: bool = False
    only_on_request: bool = False
    part_names: tuple[str, ...] = ()
    spread_bounds: Bounds | None = None

    def fits(self, predictions: object) -> bool:
        """Whether the predictions have what the metric needs."""
        return all(getattr(predictions, name, None) is not None for name in self.needs)


def share(name: str, of: Callable[[Any], Weighted | None], needs: Sequence[str], **options: Any) -> Metric:
    """A metric in 0..1, shown in per cent; options are those of `Metric`."""
    return Metric(name=name, of=of, needs=tuple(needs), **{"bounds": SHARE, "unit": PER_CENT, **options})


def proportion(name: str, of: Callable[[Any], Weighted | None], needs: Sequence[str], **options: Any) -> Metric:
    """A `share` that is a mean of hits and misses; options are those of `Metric`."""
    return share(name, of, needs, **{"is_proportion": True, "from_counts": True, **options})
