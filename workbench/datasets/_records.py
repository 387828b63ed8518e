"""Fit the records of a source to the card before any image is read."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from workbench.datasets.card import DatasetCard
from workbench.datasets.domains import with_target_domains
from workbench.datasets.group_table import GroupTable
from workbench.datasets.roles import assign_roles
from workbench.datasets.sources import Record, RecordColumns
from workbench.datasets.sources._base import Location
from workbench.datasets.sources._columns import text
from workbench.errors import DataError

_SEPARATORS = (";", ",", "|", "/", "\t")
"""What people write between labels."""


def prepare_records(
    card: DatasetCard, listed: Sequence[Record], groups: GroupTable | None = None
) -> tuple[Sequence[Record], list[str]]:
    """Records of our splits with unique ids; where captions are merged, one an image with all its captions.

    Args:
        card: The card.
        listed: The source's records.
        groups: Takes the place of their groups.

    Returns:
        The records, and sentences about those that are left out.

    Raises:
        DataError: An image lacks its label, an id is not unique, or a name is not text; the message names it.
    """
    if card.splits.by == "class":
        # A class is a group, and one group never spans two splits.
        listed = RecordColumns(
            replace(record, split=None, group=" + ".join(record.labels) or None) for record in listed
        )
    roles, notes = assign_roles([record.split for record in listed], card.splits, card.name)
    records: Sequence[Record] = RecordColumns(
        replace(record, split=role) for record, role in zip(listed, roles, strict=True) if role
    )
    if card.merges_captions:
        records = _merge_captions(records)
    if card.labels_are_truth and not card.multi_label:
        _require_labels(card, records)
    if card.multi_label:
        _check_separator(card, records)
    records = _unique_ids(card, records)
    if groups is not None:
        records, group_notes = groups.applied(records, card.name)
        notes += group_notes
    notes += _group_notes(records)
    records, domain_notes = with_target_domains(card, records)
    notes += domain_notes
    if card.splits.by == "group":
        records, split_notes = _without_splits(card, records)
        notes += split_notes
    for record in records:
        _require_text(record)
    return records, notes


def _without_splits(card: DatasetCard, records: Sequence[Record]) -> tuple[Sequence[Record], list[str]]:
    """Records in train, from which splits are made by group, and a sentence about the splits that they had.

    Raises:
        DataError: No record has a group.
    """
    if not any(record.group for record in records):
        raise DataError(
            f"dataset {card.name!r}: splits.by = 'group', and no image has a group; name the groups' column in "
            "columns.group of the card, or a table of them in splits.groups."
        )
    had = sorted({record.split for record in records if record.split})
    note = f"Splits are made anew by group; those of the source are not used: {', '.join(had)}."
    return RecordColumns(replace(record, split="train") for record in records), [note] if had != ["train"] else []


def _check_separator(card: DatasetCard, records: Sequence[Record]) -> None:
    """Refuse labels that hold another separator again and again, and the card's own never.

    Raises:
        DataError: It names the separator that they hold.
    """
    if any(len(record.labels) > 1 for record in records):
        return
    labels = [label for record in records for label in record.labels]
    counts = {mark: sum(mark in label for label in labels) for mark in _SEPARATORS if mark != card.label_separator}
    mark = max(counts, key=lambda mark: counts[mark])
    if counts[mark] >= max(2, len(labels) / 20):
        example = next(label for label in labels if mark in label)
        raise DataError(
            f"dataset {card.name!r}: no image has several labels separated by {card.label_separator!r}, but "
            f"{counts[mark]} have {mark!r} in theirs, such as {example!r}; set label_separator in the card."
        )


def _group_notes(records: Sequence[Record]) -> list[str]:
    without = sum(record.group is None for record in records)
    if not 0 < without < len(records):
        return []
    return [f"{without} of {len(records)} images have no group; each of them counts as a group of its own."]


def kept_together(card: DatasetCard, records: Sequence[Record]) -> list[str | None]:
    """What no made split may divide: the group of each record, or its pair where the card names no groups.

    A pair is no group otherwise: it is one item, which is resampled whole anyway.
    """
    column = card.columns.together
    if column is None or not pairs_are_kept(card):
        return [record.group for record in records]
    return [text(json.loads(record.extra or "{}").get(column)) for record in records]


def pairs_are_kept(card: DatasetCard) -> bool:
    """Whether splits are made by the pairs of the card."""
    columns = card.columns
    named = (columns.group, card.splits.group_pattern, card.splits.groups)
    names_groups = any(name is not None for name in named)
    return columns.together is not None and not names_groups and card.splits.by == "image"


def _merge_captions(records: Sequence[Record]) -> Sequence[Record]:
    """Rows that name the same image in the same split are one image with several captions."""
    merged: dict[tuple[Location, str | None], Record] = {}
    for record in records:
        key = (record.location, record.split)
        first = merged.get(key)
        merged[key] = record if first is None else replace(first, captions=(*first.captions, *record.captions))
    return RecordColumns(merged.values())


def merge_equal_images(
    card: DatasetCard, records: Sequence[Record], contents: Iterable[bytes | None]
) -> tuple[Sequence[int], Sequence[Record]]:
    """Rows of one split whose images are equal, as one image with all their captions.

    A table with a caption a row often repeats the image's bytes. As images of their own the copies would stand above
    one another in every ranking, and a caption of one would count as wrong for the next.

    Args:
        card: Nothing is merged unless its task ranks images and captions of its own.
        records: Rows.
        contents: Hash of each row's image; None where it could not be read.

    Returns:
        Positions of the rows that stay, and what they are now.
    """
    if not card.merges_captions or card.columns.caption is None:
        return range(len(records)), records
    kept: dict[object, int] = {}
    merged: dict[int, Record] = {}
    for i, (record, content) in enumerate(zip(records, contents, strict=True)):
        first = kept.setdefault((content, record.split, record.labels) if content else i, i)
        merged[first] = (
            replace(merged[first], captions=(*merged[first].captions, *record.captions)) if first in merged else record
        )
    return list(merged), RecordColumns(merged.values())


def _require_labels(card: DatasetCard, records: Sequence[Record]) -> None:
    without = [record for record in records if not record.labels]
    if not without:
        return
    if len(without) == len(records):
        raise DataError(
            f"dataset {card.name!r}: no image has a label; name the labels' column in columns.label of the card."
        )
    raise DataError(
        f"dataset {card.name!r}: {without[0].id} has no label ({len(without)} of {len(records)} images have none); "
        "give each one, or put them in a split that the card gives no role."
    )


def _unique_ids(card: DatasetCard, records: Sequence[Record]) -> Sequence[Record]:
    """Rows that share a file are told apart by a number; an id column must be unique by itself."""
    # All ids at once would take more memory than the records.
    hashes = np.fromiter((hash(record.id) for record in records), np.int64, len(records))
    values, counts = np.unique(hashes, return_counts=True)
    if (counts == 1).all():
        return records
    repeated = set(values[counts > 1].tolist())
    seen: dict[str, int] = {}
    unique_records = RecordColumns()
    for record in records:
        if hash(record.id) not in repeated:
            unique_records.append(record)
            continue
        count = seen[record.id] = seen.get(record.id, 0) + 1
        if count > 1 and card.columns.id:
            raise DataError(f"dataset {card.name!r}: column {card.columns.id!r} holds {record.id!r} more than once.")
        unique_records.append(record if count == 1 else replace(record, id=f"{record.id}#{count}"))
    return unique_records


def _require_text(record: Record) -> None:
    try:
        record.location.file.encode()
    except UnicodeEncodeError as error:
        shown = record.location.file.encode(errors="backslashreplace").decode()
        raise DataError(f"{shown}: the file's name is not valid UTF-8; rename the file.") from error
