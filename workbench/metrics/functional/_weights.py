"""The base of all metrics here: each is a function of item weights, many weight vectors at a time.

A bootstrap replicate is a vector of counts (how often each item was drawn), the sample itself is a row of ones, and a
jackknife replicate is a row of ones with a hole. So a metric that takes `weights` of shape (b, n) gives its value, its
bootstrap distribution and its jackknife from one piece of code, most of it matrix products.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from workbench.arrays import AnyArray, BoolArray, FloatArray

Values: TypeAlias = npt.NDArray[np.float64]
"""One value of a metric for each weight vector, shape (b,), or (b, k) for k classes."""


def ones(n: int) -> FloatArray:
    """The weights that give the sample's own value, shape (1, n)."""
    return np.ones((1, n), dtype=np.float32)


def ratio(numerator: AnyArray, denominator: AnyArray) -> Values:
    """Elementwise quotient in float64, NaN where the denominator is 0."""
    top, bottom = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    out = np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out


def mean_of_defined(values: Values) -> Values:
    """Mean over the last axis that leaves NaN out; NaN where nothing is left."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1))


def weighted_means(terms: AnyArray, weights: FloatArray) -> Values:
    """Mean of each column of `terms` (n, k) under each weight vector, shape (b, k)."""
    exact = weights.astype(np.float64)
    return ratio(exact @ np.asarray(terms, np.float64), exact.sum(axis=1, keepdims=True))


class ClassSums:
    """Sums the weights of the items of each class: a sort once, then one pass over the weights.

    Args:
        labels: int64 (n,).
        n_classes: Classes are 0..n_classes - 1.
        among: Count these items alone, bool (n,).
    """

    def __init__(self, labels: AnyArray, n_classes: int, among: BoolArray | None = None) -> None:
        self._n_classes = n_classes
        chosen = np.arange(len(labels)) if among is None else np.flatnonzero(among)
        self._order = chosen[np.argsort(labels[chosen], kind="stable")]
        self._present, self._starts = np.unique(labels[self._order], return_index=True)

    def __call__(self, weights: FloatArray) -> Values:
        """Total weight of each class, shape (b, n_classes)."""
        out = np.zeros((self._n_classes, len(weights)))
        if len(self._present):
            # A row an item: what is gathered and summed lies together in memory.
            out[self._present] = np.add.reduceat(weights.T[self._order], self._starts, axis=0, dtype=np.float64)
        return out.T


def weighted_median(values: AnyArray, weights: FloatArray) -> Values:
    """Median of `values` (n,) under each weight vector, (b,); halfway between the two middle values if they differ."""
    order = np.argsort(values, kind="stable")
    ordered = np.asarray(values, np.float64)[order]
    reached = np.cumsum(weights[:, order], axis=1, dtype=np.float64)
    half = reached[:, -1:] / 2
    # argmax finds the first True.
    return np.asarray(0.5 * (ordered[(reached >= half).argmax(axis=1)] + ordered[(reached > half).argmax(axis=1)]))
