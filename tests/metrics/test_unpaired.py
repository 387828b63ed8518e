"""The interval of a difference between two test sets."""

import numpy as np
import pytest
from scipy.stats import norm

from workbench.metrics.estimate import Estimate
from workbench.metrics.intervals import Units
from workbench.metrics.unpaired import unpaired_difference


def wilson(hits, n):
    """Wilson's score interval of a share."""
    z, p = norm.ppf(0.975), hits / n
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return Estimate(p, (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n), Units(n, None, n))


@pytest.mark.parametrize(
    ("first", "other", "low", "high"),
    [  # Newcombe (1998), table II, method 10.
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_with_wilsons_intervals_it_is_newcombes_of_shares(first, other, low, high):
    found = unpaired_difference(wilson(*first), wilson(*other))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    turned = unpaired_difference(wilson(*other), wilson(*first))
    assert (turned.low, turned.high) == pytest.approx((-high, -low), abs=1e-4)


def test_of_symmetric_intervals_it_is_the_normal_one():
    units = Units(100, None, 100)
    found = unpaired_difference(Estimate(5.0, 2.0, 8.0, units), Estimate(1.0, -3.0, 5.0, units))
    assert (found.value, found.low, found.high) == (4.0, -1.0, 9.0)


def test_it_is_unreliable_where_one_of_the_two_is():
    many, few = Estimate(0.5, 0.4, 0.6, Units(100, None, 100)), Estimate(0.5, 0.2, 0.8, Units(60, 6, 6))
    assert unpaired_difference(many, many).reliable
    assert not unpaired_difference(many, few).reliable
    assert not unpaired_difference(few, many).reliable
