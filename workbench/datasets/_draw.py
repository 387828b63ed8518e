"""A random draw of units (patients, specimens, copies of an image) that keeps the shares of labels and of sizes.

Every unit has a number of its own, uniform in 0..1, that it keeps when the dataset grows (permanent random numbers;
Ohlsson, 1995). In that order units are taken while a label or a class of sizes lacks units of its share; size plays no
part in the order, so that a large unit has the chances of a small one. Units are then exchanged with others of their
size until images have their share, too.

Not scikit-learn's `StratifiedGroupKFold`: it deals out the groups with the most uneven label counts first, which are
the large ones, each to the fold that is best off with it, so the largest groups lie in the same folds at nearly every
seed. It makes parts of 1/k only, takes no multi-label data, may leave a label without a group in train, and divides a
dataset that has grown by an image anew.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, BoolArray, IntArray
from workbench.datasets._balance import Balance

_LABEL_MOST = 0.75
_LEEWAY = 0.2
"""How far images may be from their share, relative to it, before units are exchanged on their account.

Without leeway a few large units would be exchanged at nearly every seed, and those of certain sizes drawn more often.
"""
_MANY = 3
_ROUNDING = 1e-9


@dataclass(frozen=True)
class SplitUnits:
    """The units to draw from.

    Attributes:
        images: Sparse int64 (u, n_labels), in CSR form: each unit's images of each label.
        sizes: int64 (u,), images.
        position: float64 (u,), the units' random numbers in 0..1.
        label_position: float64 (n_labels,), the labels' random numbers; decides which of equal labels gets one unit
            more.
        chance: One more number, which rounds the units of each class of sizes.
    """

    images: Any
    sizes: IntArray
    position: AnyArray
    label_position: AnyArray
    chance: float


def draw(units: SplitUnits, fraction: float) -> BoolArray:
    """Draw about `fraction` of the units, bool (u,): at least one of two or more, and never all.

    Every label keeps a unit and, where it has a second one, gives one; units that are `too_large` are not drawn. Where
    this is impossible, labels are ignored; and where it still is, the draw is the unit whose size is nearest to the
    share of images.
    """
    from scipy.sparse import csr_array

    count = len(units.sizes)
    if count < 2:
        return np.zeros(count, dtype=np.bool_)
    drawn = _drawn(units, fraction)
    if not drawn.any():
        drawn = _drawn(replace(units, images=csr_array((count, 0), dtype=np.int64)), fraction)
    if not drawn.any():
        far = np.abs(units.sizes - fraction * units.sizes.sum())
        drawn[np.lexsort((units.position, far))[0]] = True
    return drawn


def too_large(units: SplitUnits, fraction: float) -> BoolArray:
    """Units that are too large to be drawn, bool (u,).

    They have more images than the whole share, and more than twice as many as units have on average; or more than three
    quarters of the images of a label that others have, too.
    """
    total, images = units.sizes.sum(), units.images
    large = units.sizes > max(fraction * total, 2 * total / len(units.sizes))
    most = images.data > max(_LABEL_MOST, fraction) * images.sum(axis=0)[images.indices]
    large[_owners(images)[most & (_count(images)[images.indices] > 1)]] = True
    return np.asarray(large, dtype=np.bool_)


def apportion(total: IntArray, most: IntArray, fraction: float, position: AnyArray) -> IntArray:
    """Whole numbers near `fraction * total`, at least 1 and at most `most`, by largest remainder, ties by position.

    If each number were rounded alone, a fifth of a thousand labels of seven images each would be 1000 images, not 1400.
    """
    exact = np.minimum(np.maximum(fraction * total, 1), most)
    counts = np.floor(exact + _ROUNDING).astype(np.int64)
    remainder = exact - counts
    more = int(np.rint(fraction * total[most > 0].sum())) - int(counts.sum())
    order = np.lexsort((position, -remainder))[: max(more, 0)]
    counts[order[remainder[order] > _ROUNDING]] += 1
    return np.asarray(counts)


def _drawn(units: SplitUnits, fraction: float) -> BoolArray:
    from scipy.sparse import csr_array, hstack

    images, drawn = units.images, np.zeros(len(units.sizes), dtype=np.bool_)
    only = _owners(images)[_count(images)[images.indices] == 1]
    free = np.setdiff1d(np.flatnonzero(~too_large(units, fraction)), only)
    if not len(free):
        return drawn
    free_images, sizes, position = images[free], units.sizes[free], units.position[free]
    labels = csr_array(
        (np.ones_like(free_images.data), free_images.indices, free_images.indptr), shape=free_images.shape
    )
    spare = np.minimum(_count(free_images), _count(images) - 1)
    of_labels = apportion(_count(free_images), spare, fraction, units.label_position[: len(spare)])
    # Where many labels have few units, the one that each gives is more than its share, and no size is to pay for that.
    share = max(fraction, of_labels.sum() / max(labels.nnz, 1))
    of_sizes, size = _by_size(sizes, share, units.chance)
    in_size = csr_array((np.ones(len(free), dtype=np.int64), (np.arange(len(free)), size)))
    balance = Balance(
        counts=hstack([labels, in_size], format="csr"),
        target=np.concatenate([of_labels, of_sizes]),
        most=np.concatenate([spare, np.full(len(of_sizes), len(free))]),
        order=np.argsort(position, kind="stable"),
    )
    balance.flip()
    balance.also(csr_array(sizes[:, None]), share, _LEEWAY)
    balance.exchange(np.arange(len(of_sizes)), size)
    # Of a few large units, those that leave each label nearest to its share of images would be the same ones at nearly
    # every seed, so that share is kept among the others.
    often = np.flatnonzero(of_sizes >= _MANY)
    some = free_images[:, np.flatnonzero(of_labels >= _MANY)]
    balance.also(some.multiply(np.isin(size, often)[:, None]).tocsr(), fraction, _LEEWAY)
    balance.exchange(often, size)
    drawn[free[balance.taken]] = True
    return drawn


def _owners(images: Any) -> IntArray:
    """The unit of each entry, int64 (nnz,)."""
    return np.repeat(np.arange(images.shape[0]), np.diff(images.indptr))


def _count(images: Any) -> IntArray:
    """How many units have each label, int64 (n_labels,)."""
    return np.bincount(images.indices, minlength=images.shape[1]).astype(np.int64)


def _by_size(sizes: IntArray, fraction: float, chance: float) -> tuple[IntArray, IntArray]:
    """How many to draw of each class of sizes (0, 1, 2 to 3, 4 to 7, ...), and the class of each unit.

    They are counted from the largest, so that a unit too many of one class is one too few of the next, and from a
    random start, so that a class of two units is drawn from as often as one of two hundred.
    """
    classes, of_unit = np.unique(np.frexp(sizes.astype(np.float64))[1], return_inverse=True)
    from_largest = np.cumsum(np.bincount(of_unit, minlength=len(classes))[::-1])
    start = max(chance, 1 - fraction * len(sizes))
    until = np.floor(fraction * from_largest + start + _ROUNDING)
    return np.diff(until, prepend=0)[::-1].astype(np.int64), of_unit.astype(np.int64)
