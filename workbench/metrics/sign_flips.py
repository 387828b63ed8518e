"""The sign-flip test of paired results: exact where contributions are counts, by random patterns elsewhere."""

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.metrics.functional import Values

_FEW_UNITS = 14
_LEAST_DRAWS = 9_999
_ENOUGH = 100
"""Random patterns are drawn for a pair until so many are at least as extreme as the observed one."""
_BLOCK_BYTES = 1 << 24
_DIVISIONS = 15
_MOST_STEPS = 1 << 17
_MOST_PRODUCTS = 50_000_000


def sign_flip(contributions: Values, *, draws: int = _LEAST_DRAWS, seed: int = 0) -> tuple[float, bool]:
    """Two-sided sign-flip test that paired contributions to a difference are symmetric around 0.

    Under the hypothesis that A and B can be exchanged within a unit, each unit's sign is a coin (Fisher's randomisation
    test). See `sign_flips`. SciPy's `permutation_test` draws patterns alone, in the memory of all of them, and sums in
    another order of addition are no ties to it.

    Args:
        contributions: (u,), one a unit.
        draws: Number of random patterns.
        seed: Seeds them.

    Returns:
        p-value, and whether it is exact.
    """
    p_values, exact = sign_flips(contributions[contributions != 0][:, None], draws=draws, seed=seed)
    return float(p_values[0]), bool(exact[0])


def sign_flips(contributions: Values, *, draws: int = _LEAST_DRAWS, seed: int = 0) -> tuple[Values, BoolArray]:
    """The sign-flip tests of many pairs at once.

    Contributions that are whole multiples of one step, as hits are, over any number of seeds, have an exact p-value:
    the sum is one of scaled binomials, whose distribution is their convolution. So have up to 14 units that differ, by
    trying every pattern. All other columns share random patterns, the observed one counted among them, so that p is
    never 0. After 9,999 patterns, and after each further block, only the columns with fewer than a hundred patterns at
    least as extreme as the observed one go on. That keeps p valid: p is at most alpha only if the share at the last
    stage where a hundred would be more than alpha was (the argument of Besag and Clifford, Biometrika 1991, by stages).

    In a large family a correction multiplies p-values beyond what the patterns resolve. Where Hoeffding's bound on the
    same tail, 2 exp(-z^2 / 2) with z = |sum c| / sqrt(sum c^2) (Journal of the American Statistical Association 1963,
    theorem 2), is smaller than the share found, it is the p-value: it holds for every number of units and is never too
    small.

    Args:
        contributions: (u, k), a column a pair.
        draws: Bound on random patterns.
        seed: Seeds them.

    Returns:
        p-values (k,), and whether each is exact, bool (k,).
    """
    p_values, exact = np.ones(contributions.shape[1]), np.ones(contributions.shape[1], dtype=np.bool_)
    for k, column in enumerate(contributions.T):
        found = _exact(column[column != 0])
        p_values[k], exact[k] = (1.0, False) if found is None else (found, True)
    if not exact.all():
        p_values[~exact] = _random(contributions[:, ~exact], draws, seed)
    return p_values, exact


def _exact(parts: Values) -> float | None:
    """The exact p-value; None where it would take too long."""
    if not len(parts):
        return 1.0
    steps = _in_steps(parts)
    if steps is not None:
        return _by_convolution(steps)
    if len(parts) > _FEW_UNITS:
        return None
    patterns = (np.arange(1 << len(parts))[:, None] >> np.arange(len(parts))) & 1
    return float(np.mean(np.abs((2 * patterns - 1) @ parts) >= _least(parts)))


def _in_steps(parts: Values) -> AnyArray | None:
    """int64 (u,), the parts as multiples of one step; None where there is none, or they are too many."""
    smallest = np.abs(parts).min()
    for division in range(1, _DIVISIONS + 1):
        multiples = parts * (division / smallest)
        if np.abs(multiples).sum() > _MOST_STEPS:
            return None
        whole = np.rint(multiples)
        if np.abs(multiples - whole).max() < 1e-7:
            steps = whole.astype(np.int64)
            return np.asarray(steps // np.gcd.reduce(steps))
    return None


def _by_convolution(steps: AnyArray) -> float | None:
    """The share of sign patterns whose sum is at least as far from 0; None where it would take too long."""
    sizes, counts = np.unique(np.abs(steps), return_counts=True)
    # The sum of those with sign +, and the distribution of what it could have been; the shortest parts come first.
    masses, products = np.ones(1), 0
    for size, count in sorted(zip(sizes.tolist(), counts.tolist(), strict=True), key=lambda pair: pair[0] * pair[1]):
        products += count * len(masses)
        if products > _MOST_PRODUCTS:
            return None
        spread = np.zeros(len(masses) + size * count)
        for first in range(min(size, len(masses))):
            spread[first::size][: len(masses[first::size]) + count] = np.convolve(masses[first::size], _coins(count))
        masses = spread
    total = int(np.abs(steps).sum())
    distance = np.abs(2 * np.arange(total + 1) - total)
    p_value = float(masses[distance >= abs(int(steps.sum()))].sum())
    return min(1.0, max(p_value, float(np.finfo(np.float64).tiny)))


def _coins(n: int) -> Values:
    """The probabilities of 0 to n heads in n tosses."""
    from scipy.special import gammaln  # `scipy.stats.binom` says the same, and takes a second longer to import.

    heads = np.arange(n + 1)
    return np.asarray(np.exp(gammaln(n + 1) - gammaln(heads + 1) - gammaln(n - heads + 1) - n * np.log(2.0)))


def _random(parts: Values, draws: int, seed: int) -> Values:
    """p-values by random patterns, (k,)."""
    total, least = parts.sum(axis=0), _least(parts)
    bound = 2.0 * np.exp(-0.5 * total**2 / (parts**2).sum(axis=0))
    rng, units = np.random.default_rng(seed), len(parts)
    extreme, spent, going = np.zeros(len(total), np.int64), np.zeros(len(total), np.int64), np.arange(len(total))
    rows = max(1, _BLOCK_BYTES // (8 * max(parts.shape)))
    drawn = 0
    while drawn < draws and len(going):
        stage = _LEAST_DRAWS if drawn < _LEAST_DRAWS else draws
        count = min(rows, min(stage, draws) - drawn)
        raw = rng.integers(0, 256, size=(count, (units + 7) // 8), dtype=np.uint8)
        flipped = np.unpackbits(raw, axis=1, count=units).astype(np.float64)
        sums = np.abs(total[going] - 2.0 * (flipped @ parts[:, going]))
        extreme[going] += np.count_nonzero(sums >= least[going], axis=0)
        spent[going] += count
        drawn += count
        if drawn >= _LEAST_DRAWS:
            # More patterns than the bound resolves would change nothing.
            going = going[(extreme[going] < _ENOUGH) & (bound[going] * (1 + draws) > 1)]
    return np.asarray(np.minimum((1 + extreme) / (1 + spent), bound))


def _least(parts: Values) -> Values:
    """What a sum must reach: the observed one, less what another order of addition may take away from a tie."""
    return np.asarray(np.abs(parts.sum(axis=0)) - 1e-9 * np.abs(parts).sum(axis=0))
