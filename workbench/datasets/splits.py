"""Splits that a dataset lacks: made from train, stratified, by group, seeded."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from workbench.arrays import AnyArray, BoolArray, IntArray
from workbench.datasets.card import Splits
from workbench.datasets.card_sources import SplitName

Labels = Sequence[tuple[str, ...]]
Groups = Sequence[str | None]
_PASSES = 3


def make_missing_splits(
    roles: Sequence[SplitName], labels: Labels, groups: Groups, hashes: AnyArray, splits: Splits
) -> tuple[list[SplitName], list[str]]:
    """Make a test split where there is none, then a validation split where there is none.

    What belongs together stays together: images of one group, and images with equal bytes. The choice depends on
    contents, labels, groups and the seed, not on file names or order, and most of it stays when a dataset grows.

    Args:
        roles: Split of each image.
        labels: Labels of each image; none, one or several.
        groups: Group of each image, or None.
        hashes: uint8 (n, 32), content hashes.
        splits: The card's fractions and seed.

    Returns:
        The new splits, and one sentence for each that was made or could not be.
    """
    given: AnyArray = np.array(roles, dtype=object)
    grouped = any(group is not None for group in groups)
    notes = []
    fractions: tuple[tuple[SplitName, float], ...] = (("test", splits.test_fraction), ("val", splits.val_fraction))
    for role, fraction in fractions:
        train: list[int] = np.flatnonzero(given == "train").tolist()
        if (given == role).any() or not train:
            continue
        part = [groups[i] for i in train]
        salt = f"{role}-{splits.seed}"
        if splits.by == "class":
            held = hold_out_units(part, hashes[train], fraction, salt, splits.fold if role == "test" else None)
        else:
            held = hold_out([labels[i] for i in train], part, hashes[train], fraction, salt)
        chosen = [train[i] for i in held]
        given[chosen] = role
        if not chosen:
            notes.append(f"There is no {role} split, and train cannot be divided to make one.")
            continue
        units = "classes" if splits.by == "class" else "groups"
        within = f" in {len({groups[i] for i in chosen})} of {len(set(part))} {units}" if grouped else ""
        how = f"stratified by label, {'by group' if grouped else 'without groups'}"
        notes.append(
            f"The {role} split was made from train: {len(chosen)} of {len(train)} images{within}, "
            f"{'by class' if splits.by == 'class' else how}, seed {splits.seed}."
        )
    return list(given), notes


def hold_out(labels: Labels, groups: Groups, hashes: AnyArray, fraction: float, salt: str) -> IntArray:
    """Choose images to hold out so that each label keeps its share and nothing that belongs together is divided.

    Of a label's n images in two or more units, about `fraction * n` are wanted, at least 1 and at most n - 1; none of a
    label that is in one unit only. With one label an image and no units of several images that is met exactly.
    Otherwise units are taken (and put back) one by one, large ones first, while that brings the counts nearer to what
    is wanted.

    Args:
        labels: Labels of each image.
        groups: Group of each image, or None.
        hashes: uint8 (n, 32), content hashes.
        fraction: Share to hold out, 0..1.
        salt: Seeds the pseudo-random order of units.

    Returns:
        Sorted positions.
    """
    unit = _units(groups, hashes)
    key = _order_keys(groups, hashes, unit, salt)
    names = {name: i for i, name in enumerate(sorted({label for own in labels for label in own}))}
    if len(key) == len(unit) and all(len(own) <= 1 for own in labels):
        code = np.array([names[own[0]] if own else len(names) for own in labels], dtype=np.int64)
        taken = _exact(code[np.argsort(unit)], key, fraction)
    else:
        counts = np.zeros((len(key), len(names) or 1), dtype=np.int32)
        for u, own in zip(unit, labels, strict=True):
            counts[u, [names[label] for label in own] if names else 0] += 1
        taken = _greedy(counts, np.lexsort((key, -np.bincount(unit))), fraction)
    return np.flatnonzero(taken[unit]).astype(np.int64)


def hold_out_units(
    groups: Groups, hashes: AnyArray, fraction: float, salt: str, fold: tuple[int, int] | None = None
) -> IntArray:
    """Hold out a share of the units themselves, however many images each has; arguments as for `hold_out`.

    A fold (k, n) replaces the share: the k-th of n parts, which together hold every unit once.
    """
    unit = _units(groups, hashes)
    order = np.argsort(_order_keys(groups, hashes, unit, salt), kind="stable")
    share = min(max(1, round(fraction * len(order))), len(order) - 1)
    taken = order[:share] if fold is None else order[fold[0] - 1 :: fold[1]]
    return np.flatnonzero(np.isin(unit, taken)).astype(np.int64)


def _exact(code: IntArray, key: AnyArray, fraction: float) -> BoolArray:
    """Of each code, its wanted number with the smallest keys."""
    order = np.lexsort((key, code))
    total = np.bincount(code)
    rank = np.empty(len(code), dtype=np.int64)
    rank[order] = np.arange(len(code)) - (np.cumsum(total) - total)[code[order]]
    return np.asarray(rank < _wanted(total, total, fraction)[code], dtype=np.bool_)


def _greedy(counts: AnyArray, order: IntArray, fraction: float) -> BoolArray:
    """Units (rows of label counts), taken or put back in `order` while that helps and leaves some of every label."""
    total = counts.sum(axis=0).astype(np.int64)
    wanted = _wanted(total, (counts > 0).sum(axis=0), fraction)
    # Rare labels weigh as much as common ones, or a tail class would never be held out.
    weight = 1 / np.maximum(wanted, 1) ** 2
    held = np.zeros(len(total))
    taken = np.zeros(len(counts), dtype=np.bool_)
    for u in np.tile(order, _PASSES):
        after = held - counts[u] if taken[u] else held + counts[u]
        nearer = weight @ ((held - wanted) ** 2 - (after - wanted) ** 2) > 0
        if nearer and not ((after >= total) & (counts[u] > 0)).any():
            held, taken[u] = after, not taken[u]
    if not taken.any():
        # No unit can be spared without its label leaving train; small ones first, up to the share.
        sizes = counts.sum(axis=1)
        before = np.cumsum(sizes[order[::-1]]) - sizes[order[::-1]]
        taken[order[::-1][before < fraction * sizes.sum()][: len(counts) - 1]] = True
    return taken


def _wanted(total: IntArray, units: AnyArray, fraction: float) -> IntArray:
    share = np.clip(np.rint(fraction * total), 1, np.maximum(total - 1, 1))
    return np.where(units > 1, share, 0).astype(np.int64)


def _units(groups: Groups, hashes: AnyArray) -> IntArray:
    """Codes 0..u-1 of what stays together: connected components of images that share a group or their bytes."""
    content = np.unique(hashes, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    named = [i for i, group in enumerate(groups) if group is not None]
    if not named:
        return content
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = int(content.max()) + 1
    code = {group: n + i for i, group in enumerate(sorted({group for group in groups if group is not None}))}
    links = (content[named], np.array([code[group] for group in groups if group is not None]))
    size = n + len(code)
    graph = coo_array((np.ones(len(named), dtype=np.int8), links), shape=(size, size))
    component = connected_components(graph, directed=False)[1]
    return np.unique(component[content], return_inverse=True)[1].reshape(-1).astype(np.int64)


def _order_keys(groups: Groups, hashes: AnyArray, unit: IntArray, salt: str) -> AnyArray:
    """A pseudo-random uint64 for each unit, from its groups' names or its contents."""
    parts = (row.tobytes() if group is None else group.encode() for group, row in zip(groups, hashes, strict=True))
    digests = b"".join(blake2b(part, digest_size=8, key=salt.encode()).digest() for part in parts)
    keys = np.full(int(unit.max()) + 1, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(keys, unit, np.frombuffer(digests, dtype=np.uint64))
    return keys
