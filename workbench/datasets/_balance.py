"""Choose units in a random order, so that sums over the chosen ones come near to what is wanted."""

from typing import Any

import numpy as np

from workbench.arrays import AnyArray, BoolArray, IntArray

_PASSES = 20
_EXCHANGED = 200  # Of a kind, on either side: time would go with the square.
_LEAST_GAIN = 1e-9


class Balance:
    """A choice of units, and how far its sums are from what is wanted.

    The distance is the sum over columns of ((sum - wanted) / wanted) ** 2: rare labels weigh as much as common ones, or
    a tail class would never be drawn from.

    Args:
        counts: Sparse (u, k), in CSR form: what each unit adds to each sum.
        wanted: (k,).
        most: (k,); no sum may be above it.
        order: int64 (u,), the order in which units are looked at.

    Attributes:
        taken: bool (u,), the choice by now.
    """

    def __init__(self, counts: Any, wanted: AnyArray, most: AnyArray, order: IntArray) -> None:
        self.taken: BoolArray = np.zeros(len(order), dtype=np.bool_)
        self._order = order
        self._set(counts.astype(np.float64), wanted, most, np.zeros(len(wanted)))

    def _set(self, counts: Any, wanted: AnyArray, most: AnyArray, leeway: AnyArray) -> None:
        self._counts, self._wanted, self._most, self._leeway = counts, wanted, most, leeway
        self._weight = 1 / np.maximum(wanted, 1) ** 2
        self._sum = counts.T @ self.taken

    def also(self, counts: Any, fraction: float, leeway: float) -> None:
        """Want a fraction of further columns (u, m), too; within `leeway` of that, 0..1, nothing is nearer."""
        from scipy.sparse import hstack

        wanted = fraction * counts.sum(axis=0)
        self._set(
            hstack([self._counts, counts], format="csr"),
            np.concatenate([self._wanted, wanted]),
            np.concatenate([self._most, np.full(len(wanted), np.inf)]),
            np.concatenate([self._leeway, leeway * wanted]),
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

    def exchange(self, kinds: IntArray, kind: IntArray) -> None:
        """Exchange chosen units for others of their kind, while that brings the sums nearer.

        Args:
            kinds: The kinds that take part.
            kind: int64 (u,), each unit's.
        """
        for k in kinds.tolist():
            members = self._order[kind[self._order] == k]
            inside, outside = members[self.taken[members]], members[~self.taken[members]]
            # The last ones taken, and those that would have been next.
            inside, outside = inside[::-1][:_EXCHANGED], outside[:_EXCHANGED]
            for _ in range(_PASSES if len(outside) else 0):
                if not sum(self._exchanged(inside, i, outside) for i in range(len(inside))):
                    break

    def _exchanged(self, inside: IntArray, i: int, outside: IntArray) -> bool:
        """Exchange the i-th unit inside for the best one outside, if that is nearer, in both lists, too."""
        given, own = self._row(int(inside[i]))
        without = self._sum.copy()
        without[given] -= own
        rows = self._counts[outside]
        owner, columns = np.repeat(np.arange(len(outside)), np.diff(rows.indptr)), rows.indices
        after = without[columns] + rows.data
        nearer = np.bincount(
            owner, self._distance(without[columns], columns) - self._distance(after, columns), len(outside)
        )
        nearer -= (self._distance(without[given], given) - self._distance(self._sum[given], given)).sum()
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
        off = np.maximum(np.abs(sums - self._wanted[columns]) - self._leeway[columns], 0)
        return np.asarray(self._weight[columns] * off**2)
