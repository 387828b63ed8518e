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
    """

    statistic: float
    p_value: float
    ranks: Values


def average_ranks(values: AnyArray, *, higher_is_better: bool = True) -> Values:
    """Ranks within each row, (n, k); 1 is best, equal values share the mean of their ranks."""
    from scipy.stats import rankdata

    signed = -np.asarray(values, np.float64) if higher_is_better else np.asarray(values, np.float64)
    return np.asarray(rankdata(signed, axis=1))


def friedman(ranks: AnyArray) -> FriedmanTest:
    """Friedman's test (JASA 1937) on ranks within datasets.

    Args:
        ranks: (N, k), N >= 2 datasets and k >= 3 recipes, from `average_ranks`.

    Raises:
        WorkbenchError: Fewer datasets or recipes.
    """
    from scipy.stats import friedmanchisquare

    n, k = np.shape(ranks)
    if n < 2 or k < 3:
        raise WorkbenchError(f"Friedman's test needs 2 datasets and 3 recipes; there are {n} and {k}.")
    table = np.asarray(ranks, np.float64)
    if (table == table[:, :1]).all():
        return FriedmanTest(0.0, 1.0, table.mean(axis=0))  # Nothing but ties: SciPy would divide 0 by 0.
    test = friedmanchisquare(*table.T)
    return FriedmanTest(float(test.statistic), float(test.pvalue), table.mean(axis=0))


def nemenyi_difference(k: int, n_datasets: int, *, level: float = 0.05) -> float:
    """Nemenyi's critical difference: average ranks further apart than this differ at `level`, all pairs counted.

    q sqrt(k (k + 1) / (6 N)), with q the studentized range's quantile for k means and infinite degrees of freedom,
    divided by sqrt(2).

    Args:
        k: Number of recipes, at least 2.
        n_datasets: N.
        level: Family-wise level.
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.isf(level, k, math.inf)) / math.sqrt(2.0)
    return q * math.sqrt(k * (k + 1) / (6.0 * n_datasets))
