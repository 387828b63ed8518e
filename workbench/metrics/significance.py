"""Significance tests for paired results, and the correction for many of them."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import AnyArray
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
    n = only_a + only_b
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    k = np.arange(min(only_a, only_b) + 1)
    terms = log_factorial[n] - log_factorial[k] - log_factorial[n - k] - n * np.log(2.0)
    return float(min(1.0, 2.0 * np.exp(terms).sum()))


def sign_flip(contributions: Values, *, draws: int = 9_999, seed: int = 0) -> tuple[float, bool]:
    """Two-sided sign-flip test that paired contributions to a difference are symmetric around 0.

    Under the hypothesis that A and B can be exchanged within a unit, each unit's sign is a coin (Fisher's randomisation
    test). All sign patterns are tried for up to 14 units that differ, else random ones, with the observed pattern
    counted among them, so that p is never 0.

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


def holm(p_values: Sequence[float] | AnyArray) -> list[float]:
    """Holm's step-down correction of a family of p-values (Scandinavian Journal of Statistics 1979), in their order."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]
