"""AUROC and average precision of one class against the rest, for many weight vectors in one matrix product.

For a positive item i of class c let F[j, i] = 1 where j is a negative of c that scores at least as high. The weight
of the negatives that stand before i is then (W F)[b, i], for all replicates b and all classes at once, and both metrics
are sums over positives of functions of it. Counts in float32 are exact up to 2^24.
"""

import numpy as np

from workbench.arrays import AnyArray, BoolArray, FloatArray
from workbench.metrics.functional._influence import auroc_influence, average_precision_influence
from workbench.metrics.functional._weights import Values, mean_of_defined, ones, ratio

EXACT_PAIRS = 1 << 26
"""Number of (item, positive) pairs beyond which `Ranking` is linearised: about 8,192 items with one label each."""
_BLOCK_BYTES = 32 << 20


class Ranking:
    """AUROC and average precision as functions of item weights.

    Up to `exact_pairs` every value is exact. Beyond, the sample's own value is exact (from a sort) and a replicate is
    its first-order expansion in the weights (`_influence`), which costs no more than a mean; it is off by O(1/n) where
    the interval's width is O(1/sqrt(n)).

    Ties count one half in AUROC; in average precision tied items share one threshold, as in scikit-learn.

    Args:
        scores: (n, c), compared within a column only.
        targets: bool (n, c), True for positives. A class without positives or without negatives is undefined.
        macro: Average over the defined classes.
        exact_pairs: See above.
        known: bool (n, c), where it is known whether an item is positive; elsewhere it is neither a positive nor a
            negative. None where all is known.

    Attributes:
        macro: Whether values are averages over the defined classes.
        exact: Whether replicates are exact.
    """

    def __init__(
        self,
        scores: AnyArray,
        targets: BoolArray,
        *,
        macro: bool = True,
        exact_pairs: int = EXACT_PAIRS,
        known: BoolArray | None = None,
    ) -> None:
        self._scores, self._targets, self._known, self.macro = scores, targets, known, macro
        self._by_class = np.ascontiguousarray(np.transpose(scores))
        positives = targets.sum(axis=0)
        items = len(targets) if known is None else known.sum(axis=0)
        self._defined = np.flatnonzero((positives > 0) & (positives < items))
        self.exact = len(targets) * int(positives[self._defined].sum()) <= exact_pairs
        self._expansions = None if self.exact else self._expand()

    def __call__(self, weights: FloatArray) -> tuple[Values, Values]:
        """AUROC and average precision, each (b,) where macro, else (b, c) with NaN where a class is undefined.

        A class that has no positive or no negative weight under a weight vector is left out of that one's mean.
        """
        if self._expansions is not None:
            auroc, precision = (_expanded(*expansion, weights) for expansion in self._expansions)
            return auroc, precision
        auroc, precision = self._by_product(weights)
        return (mean_of_defined(auroc), mean_of_defined(precision)) if self.macro else (auroc, precision)

    def influence(self, which: int, column: int | None = None) -> Values | None:
        """N times the derivative of a metric in each item's weight, (n,); None where replicates are exact.

        Args:
            which: 0 for AUROC, 1 for average precision.
            column: Of this class; of the mean over the defined ones if None.
        """
        if self._expansions is None:
            return None
        influence = self._expansions[which][1]
        if column is not None:
            return np.asarray(influence[:, column])
        return np.asarray(influence[:, 0] if self.macro else influence[:, self._defined].mean(axis=1))

    def _by_product(self, weights: FloatArray) -> tuple[Values, Values]:
        # A row an item: what is gathered and summed below lies together in memory.
        columns = weights.T
        shape = (self._scores.shape[1], len(weights))
        mass, behind, shares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        where, items = np.nonzero(self._targets[:, self._defined].T)
        room = max(1, _BLOCK_BYTES // (4 * len(self._scores)))
        for start in range(0, len(items), room):
            rows = items[start : start + room]
            positions, starts = np.unique(where[start : start + room], return_index=True)
            classes = self._defined[positions]
            ahead, tied, hits = self._at_least(rows, classes, starts, columns)
            item_weights = columns[rows]
            # `hits` is 0 only where the item's own weight is 0, and then the term is 0 whatever it is divided by.
            precision = item_weights * hits / np.maximum(hits + ahead, np.float32(1e-30))
            for total, terms in ((mass, item_weights), (behind, item_weights * (ahead - tied)), (shares, precision)):
                total[classes] += np.add.reduceat(terms, starts, axis=0, dtype=np.float64)
        total_mass = columns.sum(axis=0, dtype=np.float64)
        if self._known is not None:
            total_mass = self._known.T.astype(np.float64) @ columns
        negative_mass = total_mass - mass
        # Without negatives every order has precision 1: undefined rather than flattering.
        return 1.0 - ratio(behind, mass * negative_mass).T, ratio(shares, np.where(negative_mass > 0, mass, 0.0)).T

    def _at_least(
        self, rows: AnyArray, classes: AnyArray, starts: AnyArray, columns: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Weights of the items that score at least as high as each positive item, each (rows, b).

        Args:
            rows: Positive items, those of a class together.
            classes: Their classes.
            starts: Where each class begins.
            columns: Item weights (n, b).

        Returns:
            Of the negatives; half of those that tie; of the positives of the same class, the item itself included.
        """
        at_least = np.empty((len(rows), len(self._scores)), dtype=np.float32)
        tied, hits = np.zeros((2, len(rows), columns.shape[1]), dtype=np.float32)
        for c, start, stop in zip(classes, starts, [*starts[1:], len(rows)], strict=True):
            scores, fellows = self._by_class[c], np.flatnonzero(self._targets[:, c])
            own_scores, block = scores[rows[start:stop], None], at_least[start:stop]
            np.greater_equal(scores, own_scores, out=block)
            hits[start:stop] = block[:, fellows] @ columns[fellows]
            no_negatives = fellows
            if self._known is not None:
                no_negatives = np.flatnonzero(self._targets[:, c] | ~self._known[:, c])
            block[:, no_negatives] = 0
            ties = scores == own_scores
            ties[:, no_negatives] = False
            if ties.any():
                tied[start:stop] = 0.5 * (ties.astype(np.float32) @ columns)
        return at_least @ columns, tied, hits

    def _expand(self) -> list[tuple[Values, AnyArray]]:
        """For AUROC and average precision the value and the influence of items, of each class or of the mean."""
        n, c = self._targets.shape
        expansions: list[tuple[Values, AnyArray]] = []
        for function in (auroc_influence, average_precision_influence):
            values = np.full(c, np.nan)
            influence = np.zeros((n, 1 if self.macro else c))
            for k in self._defined:
                items = np.arange(n) if self._known is None else np.flatnonzero(self._known[:, k])
                values[k], of_items = function(self._scores[items, k], self._targets[items, k])
                # n times the derivative, where `function` gives the number of its items times that.
                of_items *= n / len(items) / (len(self._defined) if self.macro else 1)
                influence[items, 0 if self.macro else k] += of_items
            expansions.append((mean_of_defined(values) if self.macro else values, influence))
        return expansions


def _expanded(value: Values, influence: AnyArray, weights: FloatArray) -> Values:
    moved = ratio(weights @ influence.astype(np.float32), weights.sum(axis=1, keepdims=True))
    values = np.clip(value + moved, 0.0, 1.0)
    return values[:, 0] if value.ndim == 0 else values


def auroc(scores: AnyArray, targets: BoolArray, weights: FloatArray | None = None) -> Values:
    """One-vs-rest AUROC averaged over the classes that have positives and negatives.

    Args:
        scores: (n, c).
        targets: bool (n, c).
        weights: (b, n); the sample itself if None.

    Returns:
        (b,); NaN where no class has both.
    """
    return Ranking(scores, targets)(ones(len(scores)) if weights is None else weights)[0]


def average_precision(scores: AnyArray, targets: BoolArray, weights: FloatArray | None = None) -> Values:
    """Average precision averaged over the classes that have positives and negatives; arguments as in `auroc`."""
    return Ranking(scores, targets)(ones(len(scores)) if weights is None else weights)[1]
