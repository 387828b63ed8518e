"""Splits that a dataset lacks: made from train, stratified, by group, seeded."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from workbench.arrays import AnyArray, BoolArray, IntArray
from workbench.datasets._draw import SplitUnits, apportion, draw, too_large
from workbench.datasets._units import Groups, SharedPicture, identities, random_positions, shared_pictures, units_of
from workbench.datasets.card_sources import SplitName
from workbench.datasets.card_tables import Splits

Labels = Sequence[tuple[str, ...]]
_SHOWN = 3


@dataclass(frozen=True)
class HeldOut:
    """The held-out part of a split.

    Attributes:
        rows: int64, sorted positions.
        too_large: How many units could not be; see `_draw.too_large`.
    """

    rows: IntArray
    too_large: int = 0


def make_missing_splits(
    roles: Sequence[SplitName],
    labels: Labels,
    groups: Groups,
    hashes: AnyArray,
    ids: Sequence[str],
    splits: Splits,
    beside: BoolArray | None = None,
) -> tuple[list[SplitName], list[str]]:
    """Make a test split where there is none, then a validation split where there is none.

    What belongs together stays together: images of one group, and images with equal bytes. Images that could not be
    read join nothing, nor does a picture that very many groups share (see `identities`). The choice depends on
    contents, labels, groups and the seed, not on file names (but for images that could not be read) or order, and most
    of it stays when a dataset grows.

    Args:
        roles: Split of each image.
        labels: Labels of each image; none, one or several.
        groups: Group of each image, or None.
        hashes: uint8 (n, 32), content hashes; zeros where an image could not be read.
        ids: Unique names of the images for users.
        splits: The card's fractions and seed.
        beside: bool (n,), images whose split says nothing of whether the others have one.

    Returns:
        The new splits, and a sentence for each that was made or could not be, and for each picture that joins nothing.
    """
    split: AnyArray = np.array(roles, dtype=object)
    readable: BoolArray = np.asarray(hashes.any(axis=1), dtype=np.bool_)
    identity, placeholders = identities(groups, hashes, ids)
    notes = []
    others = np.ones(len(split), dtype=np.bool_) if beside is None else ~beside
    fractions: tuple[tuple[SplitName, float], ...] = (("test", splits.test_fraction), ("val", splits.val_fraction))
    for role, fraction in fractions:
        train: list[int] = np.flatnonzero(split == "train").tolist()
        if (split[others] == role).any() or not train:
            continue
        part = [groups[i] for i in train]
        salt = f"{role}-{splits.seed}"
        if splits.by == "class":
            held = hold_out_units(part, identity[train], fraction, salt, splits.fold if role == "test" else None)
        else:
            held = hold_out([labels[i] for i in train], part, identity[train], fraction, salt, readable[train])
        chosen = [train[i] for i in held.rows]
        split[chosen] = role
        if chosen:
            notes.append(_made(role, len(train), part, [groups[i] for i in chosen], held.too_large, splits))
        else:
            joined = shared_pictures(part, identity[train], [ids[i] for i in train])
            notes.append(f"There is no {role} split, and train cannot be divided to make one{_why(part, joined)}.")
    if notes:
        notes += map(_placeholder, placeholders)
    return list(split), notes


def hold_out(
    labels: Labels,
    groups: Groups,
    identity: AnyArray,
    fraction: float,
    salt: str,
    readable: BoolArray | None = None,
) -> HeldOut:
    """Choose images to hold out so that each label keeps its share and nothing that belongs together is divided.

    With at most one label an image and no units of several images, of a label's n images `fraction * n` are held out,
    rounded, at least 1 and at most n - 1. Otherwise units are drawn: see `_draw.draw`. Images that could not be read
    count for no label and no size.

    Args:
        labels: Labels of each image.
        groups: Group of each image, or None.
        identity: uint8 (n, 32), see `identities`.
        fraction: Share to hold out, 0..1.
        salt: Seeds the pseudo-random order of units.
        readable: bool (n,), whether each image could be read; None stands for all.
    """
    seen = np.ones(len(labels), dtype=np.bool_) if readable is None else readable
    unit = units_of(groups, identity)
    position = random_positions(groups, identity, unit, salt)
    known = [image_labels if is_read else () for image_labels, is_read in zip(labels, seen, strict=True)]
    names = sorted({label for image_labels in known for label in image_labels})
    label_position = np.array([_position(f"label {name}", salt) for name in [*names, ""]])
    code = {name: i for i, name in enumerate(names)}
    codes = [[code[label] for label in image_labels] for image_labels in known]
    if len(position) == len(unit) and all(len(image_codes) <= 1 for image_codes in codes):
        single = np.array([image_codes[0] if image_codes else len(names) for image_codes in codes], dtype=np.int64)
        taken = _exact(single[np.argsort(unit)], position, fraction, label_position)
        return HeldOut(np.flatnonzero(taken[unit]).astype(np.int64))
    rows = np.repeat(unit, [len(image_codes) for image_codes in codes])
    columns = np.array([label_code for image_codes in codes for label_code in image_codes], dtype=np.int64)
    units = SplitUnits(
        images=_table(rows, columns, (len(position), len(names))),
        sizes=np.bincount(unit[seen], minlength=len(position)).astype(np.int64),
        position=position,
        label_position=label_position,
        chance=_position("sizes", salt),
    )
    taken = draw(units, fraction)
    return HeldOut(np.flatnonzero(taken[unit]).astype(np.int64), int((too_large(units, fraction) & ~taken).sum()))


def hold_out_units(
    groups: Groups, identity: AnyArray, fraction: float, salt: str, fold: tuple[int, int] | None = None
) -> HeldOut:
    """Hold out a share of the units themselves, however many images each has; arguments as for `hold_out`.

    A fold (k, n) replaces the share: the k-th of n parts, which together hold every unit once.
    """
    unit = units_of(groups, identity)
    order = np.argsort(random_positions(groups, identity, unit, salt), kind="stable")
    share = min(max(1, round(fraction * len(order))), len(order) - 1)
    taken = order[:share] if fold is None else order[fold[0] - 1 :: fold[1]]
    return HeldOut(np.flatnonzero(np.isin(unit, taken)).astype(np.int64))


def _exact(code: IntArray, position: AnyArray, fraction: float, code_position: AnyArray) -> BoolArray:
    """The share of each code that has the smallest positions."""
    order = np.lexsort((position, code))
    total = np.bincount(code, minlength=len(code_position))
    rank = np.empty(len(code), dtype=np.int64)
    rank[order] = np.arange(len(code)) - (np.cumsum(total) - total)[code[order]]
    count = apportion(total, np.maximum(total - 1, 0), fraction, code_position)
    return np.asarray(rank < count[code], dtype=np.bool_)


def _table(rows: IntArray, columns: IntArray, shape: tuple[int, int]) -> AnyArray:
    """How often each pair of row and column occurs, sparse."""
    from scipy.sparse import coo_array

    # As CSR, equal pairs are summed.
    table: AnyArray = coo_array((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=shape).tocsr()
    return table


def _position(what: str, salt: str) -> float:
    return int.from_bytes(blake2b(what.encode(), digest_size=8, key=salt.encode()).digest()) / 2.0**64


def _made(role: str, images: int, part: Groups, chosen: Groups, too_large: int, splits: Splits) -> str:
    grouped = any(group is not None for group in part)
    if splits.by == "class":
        units, how = "classes", "by class"
    else:
        units, how = "groups", "stratified by label, without groups"
        if grouped:
            how = "stratified by label and group size, by group"
    within = f" in {len(set(chosen))} of {len(set(part))} {units}" if grouped else ""
    note = f"The {role} split was made from train: {len(chosen)} of {images} images{within}, {how}, seed {splits.seed}."
    if too_large == 1:
        note += " One group of images that belong together is too large for it and stays in train."
    elif too_large:
        note += f" {too_large} groups of images that belong together are too large for it and stay in train."
    return note


def _why(part: Groups, joined: Sequence[SharedPicture]) -> str:
    if not joined:
        return f": all its images are of one group, {part[0]!r}" if part[0] is not None else ""
    pictures = f"{len(joined)} pictures that are" if len(joined) > 1 else "a picture that is"
    return (
        f": equal images join its {len(set(part))} groups into one, by {pictures} in several of them "
        f"({_some(joined[0].ids)} are equal)"
    )


def _placeholder(picture: SharedPicture) -> str:
    return (
        f"One picture stands in {picture.groups} groups ({_some(picture.ids)}); it is taken for a placeholder, and "
        "those groups are not kept together on its account."
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
