"""Nearest neighbours by cosine, exact, block by block."""

from collections.abc import Iterator

import numpy as np

from workbench.plugin import AnyArray, FloatArray

_CELLS = 2**24  # Similarities that are held at a time.


def nearest(queries: FloatArray, keys: FloatArray, k: int, *, same: bool = False) -> tuple[AnyArray, FloatArray]:
    """The k keys that are nearest to each query, the nearest first.

    Args:
        queries: (n, d), of unit norm.
        keys: (m, d), of unit norm.
        k: Number of neighbours; all keys where there are fewer.
        same: Queries and keys are the same images: none is a neighbour of itself.

    Returns:
        int64 (n, k) positions among the keys, and float32 (n, k) cosines.
    """
    count = max(0, min(k, len(keys) - same))
    index, cosine = np.empty((len(queries), count), np.int64), np.empty((len(queries), count), np.float32)
    for rows in _blocks(len(queries), len(keys)):
        similar = queries[rows] @ keys.T
        if same:
            similar[np.arange(len(similar)), np.arange(rows.start, rows.start + len(similar))] = -np.inf
        near = np.argpartition(-similar, min(count, len(keys) - 1), axis=1)[:, :count]
        values = np.take_along_axis(similar, near, axis=1)
        order = np.lexsort((near, -values), axis=1)
        index[rows], cosine[rows] = (np.take_along_axis(own, order, axis=1) for own in (near, values))
    return index, cosine


def _blocks(n: int, m: int) -> Iterator[slice]:
    size = max(1, _CELLS // max(1, m))
    return (slice(start, start + size) for start in range(0, n, size))
