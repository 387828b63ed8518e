"""Ranks of the right items of a gallery, block by block, and measures of these ranks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics.functional._weights import Values

TIE_TOLERANCE = 5e-7
"""Similarities of unit vectors closer than this are ties: float32 products of equal vectors differ by as much."""
_COUNTED_POSITIVES = 8
# Blocks that stay in the cache while they are counted.
_QUERY_ROWS, _GALLERY_ROWS = 256, 8192


@dataclass(frozen=True)
class Ranks:
    """The ranks of the right items.

    Attributes:
        query: int64 (p,), the query of each right pair, ascending.
        rank: int64 (p,), its place in the query's ranking of the whole gallery from 1 on, ascending within a query.
    """

    query: AnyArray
    rank: AnyArray

    @property
    def starts(self) -> AnyArray:
        """Where each query's pairs begin."""
        return np.flatnonzero(np.diff(self.query, prepend=-1))

    @property
    def queries(self) -> AnyArray:
        """The queries that have a right item, int64 (q,); all arrays below are in their order."""
        return np.asarray(self.query[self.starts])

    def best(self) -> AnyArray:
        """Rank of each query's first right item, (q,)."""
        return np.asarray(self.rank[self.starts])

    def average_precision(self) -> Values:
        """Mean over a query's right items of the precision at their rank, (q,)."""
        precision = self._order() / self.rank
        return np.asarray(np.add.reduceat(precision, self.starts) / self._counts())

    def ndcg(self) -> Values:
        """Normalised discounted cumulative gain of the whole ranking with gain 1 for right items, (q,).

        Järvelin and Kekäläinen (ACM TOIS 2002), discount log2(1 + rank).
        """
        gain = np.add.reduceat(1.0 / np.log2(1.0 + self.rank), self.starts)
        return np.asarray(gain / np.add.reduceat(1.0 / np.log2(1.0 + self._order()), self.starts))

    def _counts(self) -> AnyArray:
        return np.asarray(np.diff(self.starts, append=len(self.query)))

    def _order(self) -> AnyArray:
        return np.asarray(np.arange(len(self.query)) - np.repeat(self.starts, self._counts()) + 1)


def rank_positives(
    queries: FloatArray, gallery: FloatArray, positives: AnyArray, *, max_bytes: int = 64 << 20
) -> Ranks:
    """Rank the gallery for every query by dot product and return the ranks of the right items.

    The score matrix exists one block at a time. Ties are pessimistic: a wrong item whose score is within
    `TIE_TOLERANCE` of a right one stands before it, so that a model that maps everything to one point gets no credit.

    Args:
        queries: (n, d), unit rows.
        gallery: (m, d), unit rows.
        positives: int64 (p, 2), pairs (query, gallery item) that belong together, without repetition. A query in no
            pair is not ranked; without pairs no query is.
        max_bytes: Bound on the memory for a block of scores (at least one row of the gallery where a query has more
            than eight right items).

    Returns:
        Ranks of all pairs.
    """
    if not len(positives):
        return Ranks(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    pairs = positives[np.lexsort((positives[:, 1], positives[:, 0]))]
    counts = np.bincount(pairs[:, 0], minlength=len(queries))
    starts = np.cumsum(counts) - counts
    ahead = np.empty(len(pairs), dtype=np.int64)
    # The queries with most right items come first: then those that have a k-th one are a prefix of every block.
    few = np.flatnonzero((counts > 0) & (counts <= _COUNTED_POSITIVES))
    few = few[np.argsort(-counts[few], kind="stable")]
    for rows in _chunks(few, min(_QUERY_ROWS, max(1, max_bytes // (5 * min(len(gallery), _GALLERY_ROWS))))):
        taken = _ranges(starts[rows], counts[rows])
        ahead[taken] = _by_counting(queries[rows], gallery, counts[rows], pairs[taken, 1])
    many = np.flatnonzero(counts > _COUNTED_POSITIVES)
    for rows in _chunks(many, max(1, max_bytes // (4 * len(gallery)))):
        taken = _ranges(starts[rows], counts[rows])
        ahead[taken] = _by_sorting(queries[rows], gallery, counts[rows], pairs[taken, 1])
    ahead = ahead[np.lexsort((ahead, pairs[:, 0]))]
    return Ranks(pairs[:, 0], ahead + np.arange(len(pairs)) - np.repeat(starts, counts) + 1)


def top_k(
    queries: FloatArray, gallery: FloatArray, k: int, *, max_bytes: int = 64 << 20
) -> tuple[FloatArray, AnyArray]:
    """The items of the gallery with the highest dot product, the best first; of equal ones the earlier.

    Args:
        queries: (n, d).
        gallery: (m, d).
        k: At most as many.
        max_bytes: Bound on the memory for a block of scores.

    Returns:
        Dot products (n, min(k, m)), and the items, int64.
    """
    k = min(k, len(gallery))
    scores, items = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    for rows in _chunks(np.arange(len(queries)), max(1, max_bytes // (4 * max(1, len(gallery))))):
        block = queries[rows] @ gallery.T
        # The k-th highest and all that equal it, so that of equal ones the earlier is taken.
        least = np.partition(block, len(gallery) - k, axis=1)[:, len(gallery) - k] if k else None
        for row, own in zip(rows, block, strict=True):
            near = np.flatnonzero(own >= least[row - rows[0]]) if least is not None else np.empty(0, np.int64)
            items[row] = near[np.argsort(-own[near], kind="stable")[:k]]
            scores[row] = own[items[row]]
    return scores, items


def _by_counting(queries: FloatArray, gallery: FloatArray, counts: AnyArray, columns: AnyArray) -> AnyArray:
    """The number of wrong items before each right one, (p,); a comparison per right item and score.

    `counts` falls; `columns` holds the right items of one query after the other.
    """
    row = np.repeat(np.arange(len(queries)), counts)
    slot = _ranges(np.zeros_like(counts), counts)
    least = np.full((len(queries), int(counts[0])), np.inf, dtype=np.float32)
    least[row, slot] = np.einsum("pd,pd->p", queries[row], gallery[columns]) - TIE_TOLERANCE
    holders = np.count_nonzero(np.isfinite(least), axis=0)
    ahead = np.zeros(least.shape, dtype=np.int64)
    width = min(len(gallery), _GALLERY_ROWS)
    # Fresh pages for every block would cost as much as the comparisons.
    scores, higher = (np.empty((len(queries), width), dtype=kind) for kind in (np.float32, np.bool_))
    for start in range(0, len(gallery), _GALLERY_ROWS):
        part = gallery[start : start + _GALLERY_ROWS]
        if len(part) < width:
            scores, higher = scores[:, : len(part)], higher[:, : len(part)]
        np.matmul(queries, part.T, out=scores)
        inside = (columns >= start) & (columns < start + len(part))
        scores[row[inside], columns[inside] - start] = -np.inf
        for k, n in enumerate(holders):
            np.greater_equal(scores[:n], least[:n, k, None], out=higher[:n])
            # A row at a time: counting along an axis would widen the mask to integers first.
            ahead[:n, k] += [np.count_nonzero(line) for line in higher[:n]]
    return np.asarray(ahead[row, slot])


def _by_sorting(queries: FloatArray, gallery: FloatArray, counts: AnyArray, columns: AnyArray) -> AnyArray:
    """As `_by_counting`, from one sort of a query's scores however many right items it has."""
    scores = queries @ gallery.T
    ahead = []
    for line, right in zip(scores, np.split(columns, np.cumsum(counts)[:-1]), strict=True):
        wrong = np.sort(np.delete(line, right))
        ahead.append(len(wrong) - np.searchsorted(wrong, line[right] - np.float32(TIE_TOLERANCE), side="left"))
    return np.concatenate(ahead)


def _chunks(rows: AnyArray, size: int) -> Iterator[AnyArray]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _ranges(starts: AnyArray, counts: AnyArray) -> AnyArray:
    """starts[0], ..., starts[0] + counts[0] - 1, starts[1], ..."""
    ends = np.cumsum(counts)
    return np.asarray(np.arange(ends[-1]) + np.repeat(starts - (ends - counts), counts))
