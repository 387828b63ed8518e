"""Choose units in a random order, so that sums over the chosen ones come near to targets."""

from typing import Any

import numpy as np

from workbench.arrays import AnyArray, BoolArray, IntArray

_PASSES = 20
_EXCHANGED = 200  # Units of a stratum, on either side: time grows with the square.
_LEAST_GAIN = 1e-9


class Balance:
    """A choice of units, and the distance of its sums from their targets.

    The distance is the sum over columns of ((sum - target) / target) ** 2: rare labels weigh as much as common ones, or
    a tail class would never be drawn from.

    Args:
        counts: Sparse (u, k), in CSR form: each unit's part of each sum.
        target: (k,).
        most: (k,), upper bounds of the sums.
        order: int64 (u,), the order in which units are tried.

    Attributes:
        taken: bool (u,), the current choice.
    """

    def __init__(self, counts: Any, target: AnyArray, most: AnyArray, order: IntArray) -> None:
        self.taken: BoolArray = np.zeros(len(order), dtype=np.bool_)
        self._order = order
        self._set(counts.astype(np.float64), target, most, np.zeros(len(target)))

    def _set(self, counts: Any, target: AnyArray, most: AnyArray, leeway: AnyArray) -> None:
        self._counts, self._target, self._most, self._leeway = counts, target, most, leeway
        self._weight = 1 / np.maximum(target, 1) ** 2
        self._sum = counts.T @ self.taken

    def also(self, counts: Any, fraction: float, leeway: float) -> None:
        """Add columns (u, m) whose target is a fraction of their sum; deviations within `leeway`, 0..1, count as 0."""
        from scipy.sparse import hstack

        target = fraction * counts.sum(axis=0)
        self._set(
            hstack([self._counts, counts], format="csr"),
            np.concatenate([self._target, target]),
            np.concatenate([self._most, np.full(len(target), np.inf)]),
            np.concatenate([self._leeway, leeway * target]),
        )

    def flip(self) -> None:
        """Take units, or put them back, while that brings the sums nearer."""
        for _ in range(_PASSES):
            if not sum(self._flipped(u) for u in self._order.tolist()):
                return

    def _flipped(self, u: int) -> bool:
        columns, values = self._row(u)
        before = self._sum[columns]
        after = before - values if self.taken[u] else before + values
        gain = (self._distance(before, columns) - self._distance(after, columns)).sum()
        if gain <= _LEAST_GAIN or (not self.taken[u] and (after > self._most[columns]).any()):
            return False
        self._sum[columns] = after
        self.taken[u] = not self.taken[u]
        return True

    def exchange(self, strata: IntArray, stratum: IntArray) -> None:
        """Exchange chosen units for others of their stratum, while that brings the sums nearer.

        Args:
            strata: The strata that take part.
            stratum: int64 (u,), each unit's.
        """
        for k in strata.tolist():
            members = self._order[stratum[self._order] == k]
            inside, outside = members[self.taken[members]], members[~self.taken[members]]
            # The last ones taken, and those that would have been next.
            inside, outside = inside[::-1][:_EXCHANGED], outside[:_EXCHANGED]
            for _ in range(_PASSES if len(outside) else 0):
                if not sum(self._exchanged(inside, i, outside) for i in range(len(inside))):
                    break

    def _exchanged(self, inside: IntArray, i: int, outside: IntArray) -> bool:
        """Exchange the i-th unit inside for the best one outside, in both lists, if that brings the sums nearer."""
        unit_columns, unit_values = self._row(int(inside[i]))
        without = self._sum.copy()
        without[unit_columns] -= unit_values
        rows = self._counts[outside]
        owner, columns = np.repeat(np.arange(len(outside)), np.diff(rows.indptr)), rows.indices
        after = without[columns] + rows.data
        nearer = np.bincount(
            owner, self._distance(without[columns], columns) - self._distance(after, columns), len(outside)
        )
        loss = self._distance(without[unit_columns], unit_columns)
        nearer -= (loss - self._distance(self._sum[unit_columns], unit_columns)).sum()
        nearer[owner[after > self._most[columns]]] = -np.inf
        best = int(np.argmax(nearer))
        if nearer[best] <= _LEAST_GAIN:
            return False
        without[columns[owner == best]] = after[owner == best]
        self._sum = without
        self.taken[[inside[i], outside[best]]] = False, True
        inside[i], outside[best] = outside[best], inside[i]
        return True

    def _row(self, u: int) -> tuple[IntArray, AnyArray]:
        part = slice(self._counts.indptr[u], self._counts.indptr[u + 1])
        return self._counts.indices[part], self._counts.data[part]

    def _distance(self, sums: AnyArray, columns: IntArray) -> AnyArray:
        off = np.maximum(np.abs(sums - self._target[columns]) - self._leeway[columns], 0)
        return np.asarray(self._weight[columns] * off**2)
