"""Find embeddings that are equal but for rounding."""

import numpy as np

from workbench.arrays import FloatArray, IntArray

EQUAL = 1e-5
"""Distance of unit vectors up to which they are the same: equal tokens, embedded in different batches, differ by a
tenth of it at most, and texts with different tokens by a hundred times as much and more."""


def first_equal(rows: FloatArray) -> IntArray:
    """For each row the first one that it equals, itself where there is none before it.

    Args:
        rows: (n, d), unit rows.

    Returns:
        int64 (n,).
    """
    first = np.arange(len(rows), dtype=np.int64)
    # Rows that are near lie near along any direction, so only neighbours along one need to be compared.
    direction = np.random.default_rng(0).normal(size=rows.shape[1])
    line = rows.astype(np.float64) @ (direction / np.linalg.norm(direction))
    order = np.argsort(line, kind="stable")
    ends = np.searchsorted(line[order], line[order] + EQUAL, side="right")
    for place, (i, end) in enumerate(zip(order, ends, strict=True)):
        if end == place + 1 or first[i] != i:
            continue
        near = order[place:end]
        equal = near[np.linalg.norm(rows[near] - rows[i], axis=1) <= EQUAL]
        first[equal] = equal.min()
    return first
