"""Cross-validation folds within training: stratified by label, with groups and equal images kept together."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from workbench.plugin import AnyArray, FloatArray

FOLDS = 5
"""Where classes have fewer images (or groups), there are as many folds as the largest class has of them."""

_PLACEHOLDER_GROUPS, _PLACEHOLDER_SHARE = 3, 0.02
"""As in `workbench.datasets`, whose made splits treat a picture in more groups than both of these alike."""


def units(features: FloatArray | Sequence[FloatArray], groups: AnyArray | None) -> AnyArray:
    """Codes 0..u-1 of units that stay together: images of one group, and images that are equal.

    As where splits are made, a picture that very many groups share is a placeholder, and does not join them.

    Args:
        features: (n, d), or several such arrays, one after another; images with equal features are taken for equal.
        groups: int64 (n,) or None.
    """
    parts = [features] if isinstance(features, np.ndarray) else features
    codes: dict[bytes, int] = {}
    digests = (blake2b(row.tobytes(), digest_size=16).digest() for part in parts for row in part)
    same = np.array([codes.setdefault(digest, len(codes)) for digest in digests])
    if groups is None:
        return same.astype(np.int64)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    group = np.unique(groups, return_inverse=True)[1].reshape(-1)
    groups_of = np.bincount(np.unique(np.stack([same, group]), axis=1)[0], minlength=len(codes))
    shared = groups_of > max(_PLACEHOLDER_GROUPS, _PLACEHOLDER_SHARE * len(np.unique(group)))
    same = np.where(shared[same], len(codes) + np.arange(len(same)), same)  # Each on its own.
    group = group + len(codes) + len(same)
    size = int(group.max(initial=0)) + 1
    graph = coo_array((np.ones(len(same), dtype=np.int8), (same, group)), shape=(size, size))
    component = connected_components(graph, directed=False)[1]
    return np.unique(component[same], return_inverse=True)[1].reshape(-1).astype(np.int64)


def fold_numbers(labels: AnyArray, unit: AnyArray, seed: int) -> AnyArray:
    """Divide images into folds, so that each label is spread as evenly as units allow, and folds are of one size.

    Units are dealt out one by one, the largest first, each to the fold that has the smallest share of its labels. A
    unit that could teach nothing if it were held out, because each of its images has a label that no other unit has,
    stays in training always.

    Args:
        labels: int64 (n,), or bool (n, n_classes) where images have several.
        unit: (n,) codes 0..u-1 of units, which are not divided.
        seed: Decides among equals.

    Returns:
        int64 (n,): the fold that holds an image out, 0..k-1, or -1 for none.
    """
    image, label = np.nonzero(labels) if labels.ndim == 2 else (np.arange(len(labels)), labels)
    fold_of_unit = np.full(int(unit.max(initial=-1)) + 1, -1, dtype=np.int64)
    n_labels = int(label.max(initial=-1)) + 1
    pair, count = np.unique(unit[image] * n_labels + label, return_counts=True)
    of_unit, of_label = np.divmod(pair, max(n_labels, 1))
    units_of_label = np.bincount(of_label, minlength=n_labels)
    alone = np.zeros(len(labels), dtype=np.bool_)
    alone[image[units_of_label[label] == 1]] = True
    movable = np.unique(unit[~alone])
    k = min(FOLDS, int(units_of_label.max(initial=0)), len(movable))
    if k < 2:
        return fold_of_unit[unit]
    order = np.random.default_rng(seed).permutation(movable)
    order = order[np.argsort(-np.bincount(unit)[order], kind="stable")]
    begin = np.searchsorted(of_unit, np.arange(len(fold_of_unit) + 1))
    weight = count / np.bincount(label, minlength=n_labels)[of_label] ** 2
    held, size = np.zeros((k, n_labels), dtype=np.int64), np.zeros(k, dtype=np.int64)
    for u in order.tolist():
        entries = slice(begin[u], begin[u + 1])
        crowded = held[:, of_label[entries]] @ weight[entries]
        f = int(np.lexsort((size, crowded))[0])
        held[f, of_label[entries]] += count[entries]
        size[f] += count[entries].sum()
        fold_of_unit[u] = f
    return fold_of_unit[unit]


def divisions(labels: AnyArray, unit: AnyArray, seed: int) -> list[tuple[AnyArray, AnyArray]]:
    """Positions to fit and to grade on, fold by fold.

    An image is graded only where training has all its labels. There are no folds where that leaves fewer than half of
    the classes to grade: what is best for a few of them need not be for the others.

    Args:
        labels: See `fold_numbers`.
        unit: See `fold_numbers`.
        seed: See `fold_numbers`.
    """
    number = fold_numbers(labels, unit, seed)
    folds, graded = [], np.zeros(len(labels), dtype=np.bool_)
    for k in range(int(number.max(initial=-1)) + 1):
        held = number == k
        graded_here = held & _known(labels, ~held)
        if graded_here.any():
            folds.append((np.flatnonzero(~held), np.flatnonzero(graded_here)))
            graded |= graded_here
    enough = 2 * _n_classes(labels[graded]) >= _n_classes(labels)
    return folds if enough else []


def _known(labels: AnyArray, train: AnyArray) -> AnyArray:
    """Images all of whose labels some training image has."""
    if labels.ndim == 2:
        return np.asarray(~(labels & ~labels[train].any(axis=0)).any(axis=1))
    return np.isin(labels, labels[train])


def _n_classes(labels: AnyArray) -> int:
    return int(labels.any(axis=0).sum()) if labels.ndim == 2 else len(np.unique(labels))
