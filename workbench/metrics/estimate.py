"""A metric's value with its 95 % interval."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.metrics.intervals import MIN_UNITS, Units

EFFECTIVE_GROUPS = "test_groups_effective"


@dataclass(frozen=True)
class Estimate:
    """A metric of a test set.

    Attributes:
        value: Point estimate.
        low: Lower end of the 95 % interval.
        high: Upper end.
        units: The resampled items or groups.
    """

    value: float
    low: float
    high: float
    units: Units

    @property
    def reliable(self) -> bool:
        """False where effectively fewer than `MIN_UNITS` groups (items, where there are none) were resampled."""
        return self.units.reliable

    @property
    def n(self) -> int:
        """Number of test items."""
        return self.units.n

    @property
    def n_groups(self) -> int | None:
        """Number of groups, or None where the data have none."""
        return self.units.n_groups


def flatten(estimates: Mapping[str, Estimate]) -> dict[str, float]:
    """Plain numbers for a run record.

    `name`, `name_ci_low` and `name_ci_high` of every metric, `test_items`, and where there are groups `test_groups` and
    `test_groups_effective`, the number of groups of equal size that carry as much information.
    """
    flat: dict[str, float] = {}
    for name, estimate in estimates.items():
        flat |= {name: estimate.value, f"{name}_ci_low": estimate.low, f"{name}_ci_high": estimate.high}
    if estimates:
        # Metrics of one kind of item rest on fewer.
        whole = max((estimate.units for estimate in estimates.values()), key=lambda units: units.n)
        flat["test_items"] = float(whole.n)
        if whole.n_groups is not None:
            flat |= {"test_groups": float(whole.n_groups), EFFECTIVE_GROUPS: whole.effective}
    return flat


def is_reliable(metrics: Mapping[str, float]) -> bool:
    """Whether the intervals of a `flatten`ed record rest on enough groups (items, where there are none)."""
    counts = (metrics[name] for name in (EFFECTIVE_GROUPS, "test_groups", "test_items") if name in metrics)
    return round(next(counts, MIN_UNITS)) >= MIN_UNITS
