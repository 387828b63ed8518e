"""Recipes ranked over datasets: Friedman's test and Nemenyi's critical difference, as in Demšar (JMLR 7, 2006)."""

import math
from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import WorkbenchError
from workbench.metrics.functional import Values


@dataclass(frozen=True)
class FriedmanTest:
    """Whether the average ranks of k recipes over N datasets differ by more than chance.

    Attributes:
        statistic: Friedman's chi-squared, corrected for ties.
        p_value: From chi-squared with k - 1 degrees of freedom, an approximation for many datasets.
        ranks: Average rank of each recipe, (k,); 1 is best.
        n_datasets: N.
    """

    statistic: float
    p_value: float
    ranks: Values
    n_datasets: int


def average_ranks(values: AnyArray, *, higher_is_better: bool = True) -> Values:
    """Ranks within each row, (n, k); 1 is best, equal values share the mean of their ranks."""
    signed = -np.asarray(values, np.float64) if higher_is_better else np.asarray(values, np.float64)
    before = (signed[:, None, :] < signed[:, :, None]).sum(axis=2)
    equal = (signed[:, None, :] == signed[:, :, None]).sum(axis=2)
    return np.asarray(before + (equal + 1) / 2)


def friedman(ranks: AnyArray) -> FriedmanTest:
    """Friedman's test (JASA 1937) on ranks within datasets.

    Args:
        ranks: (N, k), N >= 2 datasets and k >= 3 recipes, from `average_ranks`.

    Raises:
        WorkbenchError: Fewer datasets or recipes.
    """
    n, k = np.shape(ranks)
    if n < 2 or k < 3:
        raise WorkbenchError(f"Friedman's test needs 2 datasets and 3 recipes; there are {n} and {k}.")
    mean = np.asarray(ranks, np.float64).mean(axis=0)
    # Without ties this is N k (k + 1) / 12.
    variance = np.sum((np.asarray(ranks) - (k + 1) / 2) ** 2) / (k - 1)
    statistic = 0.0 if variance == 0 else float(n**2 * np.sum((mean - (k + 1) / 2) ** 2) / variance)
    return FriedmanTest(statistic, _chi_squared_tail(statistic, k - 1), mean, n)


def nemenyi_difference(k: int, n_datasets: int, *, level: float = 0.05) -> float:
    """Nemenyi's critical difference: average ranks further apart than this differ at `level`, all pairs counted.

    q sqrt(k (k + 1) / (6 N)), with q the studentized range's quantile for k means and infinite degrees of freedom,
    divided by sqrt(2).

    Args:
        k: Number of recipes, at least 2.
        n_datasets: N.
        level: Family-wise level.
    """
    return _range_quantile(k, level) / math.sqrt(2.0) * math.sqrt(k * (k + 1) / (6.0 * n_datasets))


def _chi_squared_tail(x: float, df: int) -> float:
    """P(chi-squared with `df` degrees of freedom >= x), by its finite sum."""
    if x <= 0:
        return 1.0
    half, odd = x / 2.0, df % 2
    powers = np.arange(0.5 if odd else 0.0, df / 2.0)
    terms = [math.exp(power * math.log(half) - half - math.lgamma(power + 1.0)) for power in powers]
    return min(1.0, math.fsum(terms) + (math.erfc(math.sqrt(half)) if odd else 0.0))


def _range_quantile(k: int, level: float) -> float:
    """The range of k standard normals is larger than this with probability `level`; by bisection."""
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if 1.0 - _range_cdf(middle, k) > level else (low, middle)
    return (low + high) / 2.0


def _range_cdf(r: float, k: int) -> float:
    """P(range of k standard normals <= r): k times the integral of phi(z) (Phi(z + r) - Phi(z))^(k - 1)."""
    z = np.linspace(-9.0, 9.0, 2001)
    normal = np.vectorize(lambda t: 0.5 * math.erfc(-t / math.sqrt(2.0)))
    density = np.exp(-(z**2) / 2.0) / math.sqrt(2.0 * math.pi)
    return float(k * np.trapezoid(density * (normal(z + r) - normal(z)) ** (k - 1), z))
