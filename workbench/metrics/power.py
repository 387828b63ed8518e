"""The smallest difference between two recipes that a test set can show, before anything is run."""

from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics.functional import Values
from workbench.metrics.intervals import effective_number

DISCORDANCES = (0.05, 0.1, 0.2)
"""Shares of images on which one recipe alone is right: recipes that are alike, and such that are not."""
LEVEL, POWER = 0.05, 0.8


@dataclass(frozen=True)
class SmallestDifference:
    """The difference in accuracy that McNemar's test finds with 80 % power at 5 %.

    Attributes:
        discordance: Share of test images on which one of two recipes alone is right.
        difference: As a share; None where no difference at this discordance is found so often.
        if_alike: The same where images of a group are as alike as copies; equal to it without groups.
    """

    discordance: float
    difference: float | None
    if_alike: float | None


def smallest_differences(n: int, groups: AnyArray | None = None) -> tuple[SmallestDifference, ...]:
    """The smallest differences that n test images can show, by discordance; nothing where there is no image.

    Of images in groups the truth lies between that of so many single images and that of so many groups: the design
    effect is 1 + (m - 1) rho (Kish, Survey Sampling, 1965), with rho, how alike mistakes in a group are, in 0..1.

    Args:
        n: Number of test images.
        groups: (n,) groups.
    """
    if not n:
        return ()
    alike = n if groups is None else int(effective_number(np.unique(groups, return_counts=True)[1]))
    return tuple(
        SmallestDifference(share, smallest_difference(n, share), smallest_difference(alike, share))
        for share in DISCORDANCES
    )


def smallest_difference(n: int, discordance: float, *, power: float = POWER) -> float | None:
    """The least difference that the exact McNemar test at 5 % finds with a power; None where there is none.

    Args:
        n: Paired items.
        discordance: Share of items on which one side alone is right, 0..1; the difference is at most that.
        power: 0..1.
    """
    if mcnemar_power(n, discordance, discordance) < power:
        return None
    low, high = 0.0, discordance
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if mcnemar_power(n, discordance, middle) >= power else (middle, high)
    return high


def mcnemar_power(n: int, discordance: float, difference: float, *, level: float = LEVEL) -> float:
    """How often the exact two-sided McNemar test finds a difference.

    The number of discordant items is binomial, and of these A alone is right with chance (1 + difference /
    discordance) / 2 (Duffy, Biometrics 1984).

    Args:
        n: Paired items.
        discordance: Share of items on which one side alone is right, above 0.
        difference: Of the two shares of right items, 0..discordance.
        level: Of the test.
    """
    from scipy.stats import binom

    counts = np.arange(n + 1)
    chances = binom.pmf(counts, n, discordance)
    likely = chances > 1e-12
    counts, chances = counts[likely], chances[likely]
    critical = _critical(counts, level)
    share = (1 + difference / discordance) / 2
    found = binom.cdf(critical, counts, share) + binom.cdf(critical, counts, 1 - share)
    return float(chances @ np.where(critical >= 0, found, 0.0))


def _critical(counts: AnyArray, level: float) -> Values:
    """The largest count of the rarer side at which the test rejects, by number of discordant items; -1 for none."""
    from scipy.stats import binom

    found = binom.ppf(level / 2, counts, 0.5)
    # The quantile is the least count whose tail reaches the level: the one below does not, unless they are equal.
    found = np.where(2 * binom.cdf(found, counts, 0.5) <= level, found, found - 1)
    return np.where(counts == 0, -1.0, found)
