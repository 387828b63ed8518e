"""McNemar's test, and the correction for many tests."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import AnyArray


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact McNemar test (McNemar 1947; binomial form).

    Args:
        only_a: Items that A alone gets right.
        only_b: Items that B alone gets right.

    Returns:
        Twice the binomial tail of the smaller count at probability 1/2, at most 1.
    """
    from scipy.special import bdtr  # `scipy.stats.binomtest` says the same, and takes a second longer to import.

    return min(1.0, 2.0 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def holm(p_values: Sequence[float] | AnyArray) -> list[float]:
    """Holm's step-down correction of a family of p-values (Scandinavian Journal of Statistics 1979), in their order."""
    # SciPy corrects false discovery rates only.
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]
