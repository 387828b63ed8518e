"""Bring two runs' classes into one order, also where their names differ."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import IntArray
from workbench.errors import DataError

Classes = tuple[tuple[str, ...] | None, tuple[str, ...]]
"""Raw labels, where they are recorded, and names, in column order."""


def class_order(classes: Classes, reference: Classes) -> IntArray:
    """The order that brings columns of `classes` into that of `reference`, int64 (n_classes,).

    Classes are the same by their raw labels, so that a run with Latin names stands beside one with common names, or
    with names in another language. Where raw labels are not recorded, or are others, names decide.

    Raises:
        DataError: The classes are not the same; says which differ.
    """
    ways = [(classes[i], reference[j]) for i, j in ((0, 0), (1, 1), (1, 0), (0, 1))]
    match = next(
        (
            (names, reference_names)
            for names, reference_names in ways
            if names and reference_names and sorted(names) == sorted(reference_names)
        ),
        None,
    )
    if match is None:
        raise DataError(_complaint(classes, reference))
    place = {name: i for i, name in enumerate(match[0])}
    return np.array([place[name] for name in match[1]], dtype=np.int64)


def other_names(a: Classes, b: Classes) -> list[str]:
    """A sentence about classes that have different names in two runs, where there are any."""
    names = dict(zip(b[0] or b[1], b[1], strict=True))
    renamed = [
        (name, names[key]) for key, name in zip(a[0] or a[1], a[1], strict=True) if names.get(key, name) != name
    ]  # fmt: skip
    if not renamed:
        return []
    return [f"the runs call {len(renamed)} classes otherwise, for example {renamed[0][0]!r} and {renamed[0][1]!r}"]


def _complaint(classes: Classes, reference: Classes) -> str:
    known = bool(classes[0] and reference[0])
    labels, others = ((keys if known and keys else names) for keys, names in (classes, reference))
    count = f"{len(labels)} and {len(others)} classes" if len(labels) != len(others) else f"{len(labels)} classes each"
    text = f"different classes ({count}): {_few(labels, others)} on one side only, {_few(others, labels)} on the other."
    if known or len(labels) != len(others):
        return text
    return (
        f"{text} Raw labels would tell whether these are other names for the same classes, but one of the two does not "
        "record them, as runs of earlier versions do not; run it again."
    )


def _few(names: Sequence[str], reference_names: Sequence[str]) -> str:
    lone = [repr(name) for name in names if name not in set(reference_names)]
    return ", ".join(lone[:3]) + (f" and {len(lone) - 3} more" if len(lone) > 3 else "") or "none"
