"""The difference of a metric between two test sets that have no item in common."""

from dataclasses import dataclass
from math import hypot

from workbench.metrics.estimate import Estimate


@dataclass(frozen=True)
class UnpairedDifference:
    """The metric on test set A minus that on test set B.

    Attributes:
        value: The difference.
        low: Lower end of its 95 % interval.
        high: Upper end.
        reliable: False where one of the two intervals is not.
    """

    value: float
    low: float
    high: float
    reliable: bool


def unpaired_difference(a: Estimate, b: Estimate) -> UnpairedDifference:
    """The difference of two estimates on different items, with a 95 % interval from their two intervals.

    The distance of each end from the difference is the root of the summed squares of the two estimates' own distances:
    the method of variance estimates recovery (Zou and Donner, Statistics in Medicine 2008, equation 10; for shares
    Newcombe, Statistics in Medicine 1998, method 10). Unlike a bootstrap of the difference it keeps what the two
    intervals know of their bounds: of 20 right answers of 20, the share may still be less than 1.

    It takes the two for independent given what was fitted. Seeds that are good on both make it too wide.
    """
    value = a.value - b.value
    below = hypot(a.value - a.low, b.high - b.value)
    above = hypot(a.high - a.value, b.value - b.low)
    return UnpairedDifference(value, value - below, value + above, a.reliable and b.reliable)
