"""Exact search: the best rows of a gallery that comes in blocks, never a whole score matrix."""

from collections.abc import Iterable

import numpy as np

from workbench.arrays import AnyArray, FloatArray, IntArray
from workbench.errors import DataError


def top_rows(
    queries: FloatArray, blocks: Iterable[tuple[int, FloatArray]], k: int
) -> tuple[list[IntArray], list[FloatArray]]:
    """The k rows with the largest dot products, for each query.

    Equal scores go by position. Rows that are not finite are never found.

    Args:
        queries: (q, d).
        blocks: Position of each block's first row, and the rows (n, d).
        k: At most so many; fewer where there are fewer rows.

    Returns:
        For each query the positions, best first, and their scores.

    Raises:
        DataError: A query is not finite.
    """
    if not np.isfinite(queries).all():
        raise DataError("search: a query's features hold NaN or infinity.")
    positions = [np.empty(0, np.int64) for _ in queries]
    scores = [np.empty(0, np.float32) for _ in queries]
    for start, rows in blocks:
        with np.errstate(invalid="ignore"):  # Rows of infinity; they are left out below.
            products = np.asarray(rows @ queries.T, dtype=np.float32)
        for i in range(len(queries)):
            block_positions, block_scores = _best(products[:, i], k)
            positions[i], scores[i] = _merge(positions[i], scores[i], block_positions + start, block_scores, k)
    return positions, scores


def _best(scores: AnyArray, k: int) -> tuple[IntArray, FloatArray]:
    finite = np.flatnonzero(np.isfinite(scores))
    if len(finite) > k:
        values = scores[finite]
        # All that tie with the k-th stay in, so that the tie is broken by position and not by the partition.
        finite = finite[values >= np.partition(values, len(values) - k)[len(values) - k]] if k else finite[:0]
    return finite.astype(np.int64), scores[finite]


def _merge(
    positions: IntArray, scores: FloatArray, new: IntArray, new_scores: FloatArray, k: int
) -> tuple[IntArray, FloatArray]:
    all_positions, values = np.concatenate([positions, new]), np.concatenate([scores, new_scores])
    order = np.lexsort((all_positions, -values))[:k]
    return all_positions[order], values[order]
