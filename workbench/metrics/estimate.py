"""A metric's value with its 95 % interval."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.metrics.functional import Values
from workbench.metrics.names import is_biased_under_resampling

MIN_UNITS = 20
"""Intervals over fewer groups (or items, where there are no groups) are marked unreliable."""


@dataclass(frozen=True)
class Estimate:
    """A metric of a test set.

    Attributes:
        value: Point estimate.
        low: Lower end of the 95 % bootstrap interval.
        high: Upper end.
        reliable: False where fewer than `MIN_UNITS` groups (items, where there are none) were resampled.
        n: Number of test items.
        n_groups: Number of groups, or None where the data have none.
    """

    value: float
    low: float
    high: float
    reliable: bool
    n: int
    n_groups: int | None = None


def interval(
    metric: str, value: float, replicates: Values, *, level: float = 0.95, bounds: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """The percentile bootstrap interval, centred where resampling biases the metric.

    A mean's replicates scatter around its value. Those of metrics that average over classes do not (rare classes
    drop out of resamples), nor those of average precision (a positive drawn twice vouches for itself) or ECE
    (resampling adds noise, which reads as miscalibration): their plain percentile interval can miss their own value.
    For these the replicates are shifted so that their mean is the value: the bias that resampling adds is taken off.
    An interval always holds its own value.

    Args:
        metric: Its name decides on centring.
        value: Point estimate.
        replicates: Bootstrap replicates; NaN (undefined in that resample) is left out.
        level: Coverage.
        bounds: Range that a shifted interval is clipped to.
    """
    drawn = replicates[~np.isnan(replicates)]
    if not len(drawn):
        return value, value
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    if is_biased_under_resampling(metric):
        shift = value - drawn.mean()
        low, high = np.clip([low + shift, high + shift], *bounds)
    return min(float(low), value), max(float(high), value)


def flatten(estimates: Mapping[str, Estimate]) -> dict[str, float]:
    """Plain numbers for a run record.

    `name`, `name_ci_low` and `name_ci_high` of every metric, `test_items`, and `test_groups` where there are groups.
    """
    flat: dict[str, float] = {}
    for name, estimate in estimates.items():
        flat |= {name: estimate.value, f"{name}_ci_low": estimate.low, f"{name}_ci_high": estimate.high}
    if estimates:
        flat["test_items"] = float(max(estimate.n for estimate in estimates.values()))
    groups = [estimate.n_groups for estimate in estimates.values() if estimate.n_groups is not None]
    if groups:
        # Metrics of one kind of item rest on fewer.
        flat["test_groups"] = float(max(groups))
    return flat


def is_reliable(metrics: Mapping[str, float]) -> bool:
    """Whether enough groups (items, where there are none) stand behind the intervals of what `flatten` gave."""
    return metrics.get("test_groups", metrics.get("test_items", MIN_UNITS)) >= MIN_UNITS
