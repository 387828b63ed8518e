"""The test items of two runs, put into one order."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import WorkbenchError


class NotComparableError(WorkbenchError):
    """Two runs that were not made on the same test items; the message says what differs."""


def align_items(
    ids_a: Sequence[Any] | AnyArray,
    ids_b: Sequence[Any] | AnyArray,
    labels_a: AnyArray | None = None,
    labels_b: AnyArray | None = None,
) -> AnyArray:
    """The order of B's rows in which they are A's test items, int64 (n,).

    Args:
        ids_a: Item ids of A, each once.
        ids_b: Item ids of B.
        labels_a: Labels of A's items, (n,) or (n, c); NaN where a label is not known.
        labels_b: Labels of B's items.

    Raises:
        NotComparableError: The test items, or their labels, are not the same; says how many and gives an example.
    """
    a, b = np.asarray(ids_a), np.asarray(ids_b)
    for name, ids in (("A", a), ("B", b)):
        unique, counts = np.unique(ids, return_counts=True)
        if len(unique) < len(ids):
            raise NotComparableError(f"Run {name} holds item {unique[counts.argmax()]} more than once.")
    only_a, only_b = np.setdiff1d(a, b), np.setdiff1d(b, a)
    if len(only_a) or len(only_b):
        example = only_a[0] if len(only_a) else only_b[0]
        raise NotComparableError(
            f"The runs were not made on the same test items: {len(only_a)} are in A only and {len(only_b)} in B only, "
            f"for example {example}."
        )
    order_b = np.argsort(b, kind="stable")
    order = np.asarray(order_b[np.searchsorted(b[order_b], a)])
    if labels_a is not None and labels_b is not None:
        first, second = np.asarray(labels_a), np.asarray(labels_b)[order]
        # Of labels that are not known both are NaN, which equals nothing.
        same = (first == second) | (_is_nan(first) & _is_nan(second))
        differ = np.flatnonzero(~same.reshape(len(a), -1).all(axis=1))
        if len(differ):
            raise NotComparableError(
                f"The runs disagree about the labels of {len(differ)} test items, for example {a[differ[0]]}."
            )
    return order


def _is_nan(labels: AnyArray) -> AnyArray:
    return np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(labels.shape, np.bool_)
