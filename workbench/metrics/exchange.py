"""The exchange test of a paired difference: what would the metric be, had the two runs' predictions been swapped?

If it makes no difference which run made a unit's prediction, the two can be exchanged within each unit (item, or group
of items) without changing how the difference is distributed. So the observed difference is compared with those of
random exchanges, for each of which the metric is computed anew. That is a valid test for every metric, whatever it is a
function of (Fisher, The Design of Experiments, 1935; Yeh, COLING 2000, for F1).
"""

from collections.abc import Callable, Iterator

import numpy as np

from workbench.arrays import AnyArray, BoolArray, FloatArray
from workbench.metrics.functional import Values

EXACT_UNITS = 14
"""Up to this number of units that differ, all exchanges are tried."""
_ENOUGH = 100
_BLOCK_BYTES = 32 << 20
_TIE = 1e-7

Difference = Callable[[FloatArray], Values]
"""The metric of run A minus that of run B, (b,), after exchanges.

Its argument, (b, 2 n), is 1 for the predictions that count as A's: A's own for the items that are not exchanged, and in
the second half B's for those that are. All others count as B's.
"""


def exchange_test(
    difference: Difference, unit_of: AnyArray, differs: BoolArray, *, draws: int = 9_999, seed: int = 0
) -> tuple[float, bool]:
    """Two-sided exchange test.

    Random exchanges are drawn until a hundred of them are at least as extreme as the observed one, or `draws` are
    spent. The p-value is that share, and (1 + extreme) / (1 + draws) where draws are spent: both are valid (Besag and
    Clifford, Biometrika 1991).

    Args:
        difference: The statistic.
        unit_of: int64 (n,), the unit of each item, 0..u - 1.
        differs: bool (u,), whether the runs' predictions differ in a unit; exchanging other units changes nothing.
        draws: Bound on random exchanges.
        seed: Seeds them.

    Returns:
        p-value, and whether every exchange was tried.
    """
    free = np.flatnonzero(differs)
    if not len(free):
        return 1.0, True
    observed = abs(float(difference(_weights(np.zeros((1, len(unit_of)), np.bool_)))[0]))
    # The same sum in another order of addition must count as a tie. What is undefined counts as extreme.
    least = observed - _TIE * max(1.0, observed)

    def extreme(flips: BoolArray) -> BoolArray:
        exchanged = np.zeros((len(flips), len(differs)), dtype=np.bool_)
        exchanged[:, free] = flips
        return np.asarray(~(np.abs(difference(_weights(exchanged[:, unit_of]))) < least))

    rows = max(1, _BLOCK_BYTES // (8 * len(unit_of)))
    if len(free) <= EXACT_UNITS:
        # Exchanging everything turns the sign alone, so half of the exchanges, the first unit's left out, do.
        patterns = np.arange(1 << (len(free) - 1))[:, None] >> np.arange(len(free) - 1) & 1
        flips = np.hstack([np.zeros((len(patterns), 1), np.bool_), patterns.astype(np.bool_)])
        is_extreme = [extreme(flips[start : start + rows]) for start in range(0, len(flips), rows)]
        return float(np.concatenate(is_extreme).mean()), True
    spent = seen = 0
    for flips in _random(len(free), draws, min(rows, 500), seed):
        counts = seen + np.cumsum(extreme(flips))
        if counts[-1] >= _ENOUGH:
            return _ENOUGH / (spent + int(np.searchsorted(counts, _ENOUGH)) + 1), False
        seen, spent = int(counts[-1]), spent + len(flips)
    return (1 + seen) / (1 + spent), False


def _weights(exchanged: BoolArray) -> FloatArray:
    """(b, n) to the argument of `Difference`."""
    return np.hstack([~exchanged, exchanged]).astype(np.float32)


def _random(units: int, draws: int, rows: int, seed: int) -> Iterator[BoolArray]:
    rng, width = np.random.default_rng(seed), (units + 7) // 8
    for start in range(0, draws, rows):
        raw = rng.integers(0, 256, size=(min(rows, draws - start), width), dtype=np.uint8)
        yield np.unpackbits(raw, axis=1, count=units).astype(np.bool_)
