"""Two runs' classes brought into one order, whatever each calls them."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import IntArray
from workbench.errors import DataError

Classes = tuple[tuple[str, ...] | None, tuple[str, ...]]
"""Raw labels, where they are recorded, and names, in column order."""


def class_order(own: Classes, reference: Classes) -> IntArray:
    """The columns that, taken in this order, are those of others, int64 (n_classes,).

    Classes are the same by their raw labels, so that a run with Latin names stands beside one with common names, or
    with names in another language. Where raw labels are not recorded, or are others, names decide.

    Raises:
        DataError: The classes are not the same; says which differ.
    """
    ways = [(own[i], reference[j]) for i, j in ((0, 0), (1, 1), (1, 0), (0, 1))]
    found = next(((mine, other) for mine, other in ways if mine and other and sorted(mine) == sorted(other)), None)
    if found is None:
        raise DataError(_complaint(own, reference))
    place = {name: i for i, name in enumerate(found[0])}
    return np.array([place[name] for name in found[1]], dtype=np.int64)


def other_names(a: Classes, b: Classes) -> list[str]:
    """A sentence about classes that two runs call otherwise, where there are any."""
    names = dict(zip(b[0] or b[1], b[1], strict=True))
    other = [
        (name, names[key]) for key, name in zip(a[0] or a[1], a[1], strict=True) if names.get(key, name) != name
    ]  # fmt: skip
    if not other:
        return []
    return [f"the runs call {len(other)} classes otherwise, for example {other[0][0]!r} and {other[0][1]!r}"]


def _complaint(mine: Classes, reference: Classes) -> str:
    known = bool(mine[0] and reference[0])
    own, other = ((keys if known and keys else names) for keys, names in (mine, reference))
    count = f"{len(own)} and {len(other)} classes" if len(own) != len(other) else f"{len(own)} classes each"
    text = f"different classes ({count}): {_few(own, other)} on one side only, {_few(other, own)} on the other."
    if known or len(own) != len(other):
        return text
    return (
        f"{text} Raw labels would tell whether these are other names for the same classes, but one of the two does not "
        "record them, as runs of earlier versions do not; run it again."
    )


def _few(own: Sequence[str], other: Sequence[str]) -> str:
    lone = [repr(name) for name in own if name not in set(other)]
    return ", ".join(lone[:3]) + (f" and {len(lone) - 3} more" if len(lone) > 3 else "") or "none"
