"""Pairs of thumbnails that correlate, among a million and more: all of them, in bounded memory.

Standardised thumbnails are points of unit length, and two that correlate by c lie sqrt(2 - 2c) apart. A projection
never moves points apart. So what is too far away in a few principal components is no neighbour, and most pairs are
never looked at: neighbours are kept in boxes (the leaves of a k-d tree), boxes that lie too far away are skipped, then
single points, and only what is near in all components is compared whole. Nothing is left to chance, unlike in the lists
of faiss (`workbench.search.approximate`), whose range search took longer on a million thumbnails and promises no
recall.
"""

from collections.abc import Iterator

import numpy as np

from workbench.arrays import AnyArray, FloatArray, IntArray
from workbench.datasets.thumbnails import flat, spread

_COMPONENTS = 16
_SPLIT_COMPONENTS = 6
_BOX = 128
_BLOCK = 65_536
_VERIFIED = 16_384
_SAMPLE = 20_000
_ROUNDING = 1e-4
"""Squared distance by which single precision may err."""


def near_pairs(thumbnails: AnyArray, least: float) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Every pair of thumbnails that correlates by `least` or more, once, in blocks.

    Thumbnails of nearly one tone resemble all such, and are in no pair.

    Args:
        thumbnails: uint8 (n, 256).
        least: Smallest correlation, up to 1.

    Yields:
        Positions of the first and of the second, the first being smaller, and their correlations, float64.
    """
    rows = np.flatnonzero(~flat(thumbnails))
    if len(rows) < 2:
        return
    points, order = _boxed(_projected(thumbnails, rows))
    rows = rows[order]
    squared = np.einsum("ij,ij->i", points, points)
    farthest = 2 * (1 - least) + _ROUNDING
    starts = np.arange(0, len(rows), _BOX)
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    for box, start in enumerate(starts.tolist()):
        own = slice(start, start + _BOX)
        # Those before have met this box already.
        boxes = box + np.flatnonzero(_gap(low[box], high[box], low[box:], high[box:]) <= farthest)
        others = (boxes[:, None] * _BOX + np.arange(_BOX)).reshape(-1)
        others = others[others < len(rows)]
        others = others[_gap(low[box], high[box], points[others], points[others]) <= farthest]
        for first in range(0, len(others), _BLOCK):
            part = others[first : first + _BLOCK]
            distance = points[own] @ points[part].T
            distance *= -2
            distance += squared[own, None]
            distance += squared[part]
            i, j = np.nonzero(distance <= farthest)
            i, j = i + start, part[j]
            later = i < j
            yield from _verified(thumbnails, rows[i[later]], rows[j[later]], least)


def _projected(thumbnails: AnyArray, rows: IntArray) -> FloatArray:
    """Standardised thumbnails in their first principal components, float32 (n, 16)."""
    sample = _standardised(thumbnails[rows[np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLE)).astype(np.int64)]])
    axes = np.linalg.eigh(sample.T @ sample)[1][:, : -_COMPONENTS - 1 : -1]
    parts = [_standardised(thumbnails[rows[i : i + _BLOCK]]) @ axes for i in range(0, len(rows), _BLOCK)]
    return np.concatenate(parts)


def _boxed(points: FloatArray) -> tuple[FloatArray, IntArray]:
    """Points so ordered that neighbours stand together, and that order."""
    from scipy.spatial import cKDTree

    tree = cKDTree(points[:, :_SPLIT_COMPONENTS], leafsize=_BOX, balanced_tree=True, compact_nodes=False)
    order = np.asarray(tree.indices, dtype=np.int64)
    return np.ascontiguousarray(points[order]), order


def _gap(low: FloatArray, high: FloatArray, lows: FloatArray, highs: FloatArray) -> FloatArray:
    """Squared distance of a box from others."""
    apart = np.maximum(np.maximum(lows - high, low - highs), 0)
    return np.asarray(np.einsum("ij,ij->i", apart, apart), dtype=np.float32)


def _verified(
    thumbnails: AnyArray, first: IntArray, second: IntArray, least: float
) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """The pairs that correlate, by sums of whole numbers."""
    for start in range(0, len(first), _VERIFIED):
        i, j = first[start : start + _VERIFIED], second[start : start + _VERIFIED]
        a, b = thumbnails[i], thumbnails[j]
        # 256 * 255**2 is below 2**24, so that single precision holds these sums exactly.
        product = np.einsum("ij,ij->i", a.astype(np.float32), b.astype(np.float32)).astype(np.float64)
        product -= a.sum(axis=1, dtype=np.int64) * b.sum(axis=1, dtype=np.int64) / a.shape[1]
        correlation = product / np.sqrt(spread(a) * spread(b))
        near = correlation >= least
        if near.any():
            yield np.minimum(i, j)[near], np.maximum(i, j)[near], correlation[near]


def _standardised(thumbnails: AnyArray) -> FloatArray:
    values = thumbnails.astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return values
