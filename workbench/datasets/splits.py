"""Splits that a dataset lacks: made from train, stratified, by group, seeded."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.datasets.card import Splits
from workbench.datasets.sources import Record
from workbench.errors import DataError


def assign_missing_splits(records: list[Record], splits: Splits, dataset: str) -> tuple[list[Record], list[str]]:
    """Make a test split where there is none, then a validation split where there is none.

    Args:
        records: All records; a record whose split is None belongs to a split that the card leaves out.
        splits: The card's fractions and seed.
        dataset: For messages.

    Returns:
        Records of the three splits, and one sentence for each thing done.
    """
    notes = []
    kept = [record for record in records if record.split is not None]
    if len(kept) < len(records):
        notes.append(f"{len(records) - len(kept)} images belong to splits that the card does not name.")
    if not kept:
        raise DataError(f"dataset {dataset!r}: no image belongs to a split that the card names; check [splits].")
    for name, fraction in (("test", splits.test_fraction), ("val", splits.val_fraction)):
        if any(record.split == name for record in kept):
            continue
        train = [i for i, record in enumerate(kept) if record.split == "train"]
        if not train:
            continue
        chosen = hold_out([kept[i].labels for i in train], [kept[i].group for i in train], fraction, seed=splits.seed)
        kept = list(kept)
        for position in chosen:
            kept[train[position]] = replace(kept[train[position]], split=name)
        by = "by group" if any(kept[i].group for i in train) else "without groups"
        notes.append(
            f"The {name} split was made here from train: {len(chosen)} of {len(train)} images, stratified by label, "
            f"{by}, seed {splits.seed}."
        )
    return kept, notes


def hold_out(labels: Sequence[tuple[str, ...]], groups: Sequence[str | None], fraction: float, seed: int) -> list[int]:
    """Choose items to hold out so that each label keeps about its share and no group is divided.

    Groups are visited in seeded random order, and one is taken when that brings the held-out label counts nearer to
    their targets. Items without a group are groups of one.

    Args:
        labels: Labels of each item; none, one or several.
        groups: Group of each item, or None.
        fraction: Share to hold out, 0..1.
        seed: Seeds the order.

    Returns:
        Sorted positions. At least one item stays behind for every label that has two or more groups.
    """
    members: dict[object, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        members[i if group is None else group].append(i)
    names = sorted({label for own in labels for label in own}) or [""]
    column = {name: j for j, name in enumerate(names)}
    counts = np.zeros((len(members), len(names)))
    for g, items in enumerate(members.values()):
        for i in items:
            for label in labels[i] or ("",) * (names == [""]):
                counts[g, column[label]] += 1
    total = counts.sum(axis=0)
    target = fraction * total
    # Rare labels weigh as much as common ones, or a tail class would never be held out.
    weight = 1 / np.maximum(total, 1)
    held = np.zeros(len(names))
    chosen: list[int] = []
    order = np.random.default_rng(seed).permutation(len(members))
    items_of = list(members.values())
    for g in order:
        after = held + counts[g]
        nearer = (weight * np.abs(after - target)).sum() < (weight * np.abs(held - target)).sum()
        leaves_some = bool(np.all((after < total) | (counts[g] == 0)))
        if nearer and leaves_some:
            held = after
            chosen += items_of[g]
    return sorted(chosen)
