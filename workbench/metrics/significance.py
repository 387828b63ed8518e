"""Significance tests for paired results, and the correction for many of them."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.metrics.functional import Values

_EXACT_UNITS = 14
_BLOCK = 1 << 24


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


def sign_flip(contributions: Values, *, draws: int = 9_999, seed: int = 0) -> tuple[float, bool]:
    """Two-sided sign-flip test that paired contributions to a difference are symmetric around 0.

    Under the hypothesis that A and B can be exchanged within a unit, each unit's sign is a coin (Fisher's randomisation
    test). All sign patterns are tried for up to 14 units that differ, else random ones, with the observed pattern
    counted among them, so that p is never 0. SciPy's `permutation_test` does the same; it takes many times as long and
    the memory of all draws, and its ties are exact, so that sums in another order would not count.

    Args:
        contributions: (u,), one a unit.
        draws: Number of random patterns.
        seed: Seeds them.

    Returns:
        p-value, and whether every pattern was tried.
    """
    parts = contributions[contributions != 0]
    if not len(parts):
        return 1.0, True
    # Patterns that repeat the observed sum in another order of addition must count as ties.
    observed = abs(parts.sum()) - 1e-9 * np.abs(parts).sum()
    if len(parts) <= _EXACT_UNITS:
        patterns = (np.arange(1 << len(parts))[:, None] >> np.arange(len(parts))) & 1
        return float(np.mean(np.abs((2 * patterns - 1) @ parts) >= observed)), True
    rng, total, extreme = np.random.default_rng(seed), parts.sum(), 0
    width = (len(parts) + 7) // 8
    rows = max(1, _BLOCK // (8 * width))
    for start in range(0, draws, rows):
        raw = rng.integers(0, 256, size=(min(rows, draws - start), width), dtype=np.uint8)
        flipped = np.unpackbits(raw, axis=1, count=len(parts)).astype(np.float64)
        extreme += int(np.count_nonzero(np.abs(total - 2.0 * (flipped @ parts)) >= observed))
    return (1 + extreme) / (1 + draws), False


def sign_flips(contributions: Values, *, draws: int = 9_999, seed: int = 0) -> tuple[Values, BoolArray]:
    """The sign-flip tests of many pairs at once; see `sign_flip`.

    All columns share their random patterns, so that a family costs one matrix product. In a large family a correction
    multiplies p-values beyond what the patterns resolve. Where Hoeffding's bound on the same tail, 2 exp(-z^2 / 2)
    with z = |sum c| / sqrt(sum c^2) (Journal of the American Statistical Association 1963, theorem 2), is smaller than
    the share found, it is the p-value: it holds for every number of units and is never too small.

    Args:
        contributions: (u, k), a column a pair.
        draws: Number of random patterns.
        seed: Seeds them.

    Returns:
        p-values (k,), and whether every pattern was tried, bool (k,).
    """
    p_values, exact = np.ones(contributions.shape[1]), np.ones(contributions.shape[1], dtype=np.bool_)
    many = np.count_nonzero(contributions, axis=0) > _EXACT_UNITS
    for k in np.flatnonzero(~many):
        p_values[k] = sign_flip(contributions[:, k])[0]
    parts = contributions[:, many]
    if not parts.shape[1]:
        return p_values, exact
    total, sizes = parts.sum(axis=0), np.abs(parts).sum(axis=0)
    observed = np.abs(total) - 1e-9 * sizes
    rng, extreme = np.random.default_rng(seed), np.zeros(parts.shape[1], dtype=np.int64)
    rows = max(1, _BLOCK // (8 * len(parts)))
    for start in range(0, draws, rows):
        count = min(rows, draws - start)
        raw = rng.integers(0, 256, size=(count, (len(parts) + 7) // 8), dtype=np.uint8)
        flipped = np.unpackbits(raw, axis=1, count=len(parts)).astype(np.float64)
        extreme += np.count_nonzero(np.abs(total - 2.0 * (flipped @ parts)) >= observed, axis=0)
    bound = 2.0 * np.exp(-0.5 * total**2 / (parts**2).sum(axis=0))
    p_values[many], exact[many] = np.minimum((1 + extreme) / (1 + draws), bound), False
    return p_values, exact


def holm(p_values: Sequence[float] | AnyArray) -> list[float]:
    """Holm's step-down correction of a family of p-values (Scandinavian Journal of Statistics 1979), in their order."""
    # SciPy corrects false discovery rates only.
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]
