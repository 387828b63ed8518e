"""Groups that stand in the names of images, as `splits.group_pattern` of a card finds them."""

import re
from collections.abc import Sequence
from dataclasses import replace

from workbench.datasets.card import DatasetCard
from workbench.datasets.sources import Record, RecordColumns
from workbench.datasets.walking import some
from workbench.errors import DataError
from workbench.formatting import counted


def with_groups_of_names(card: DatasetCard, records: Sequence[Record]) -> tuple[Sequence[Record], list[str]]:
    """Records with the groups that the card's pattern finds in their names; others keep the group that they have.

    Args:
        card: Its `splits.group_pattern`; without it nothing is done.
        records: The source's records.

    Returns:
        The records, and sentences about what was found and what does not match.

    Raises:
        DataError: The pattern matches no name.
    """
    pattern = card.splits.group_pattern
    if pattern is None or not records:
        return records, []
    search = re.compile(pattern).search
    groups = [_group(search(record.id)) for record in records]
    found = [group for group in groups if group is not None]
    if not found:
        raise DataError(
            f"dataset {card.name!r}: splits.group_pattern {pattern!r} finds a group in none of the {len(records)} "
            f"names; the first is {records[0].id!r}."
        )
    grouped = RecordColumns(
        record if group is None else replace(record, group=group) for record, group in zip(records, groups, strict=True)
    )
    return grouped, _notes(records, groups, len(set(found)))


def _group(match: re.Match[str] | None) -> str | None:
    """What the parts in parentheses found, joined; None where they found nothing."""
    parts = [part or "" for part in match.groups()] if match else []
    return "/".join(parts) if any(parts) else None


def _notes(records: Sequence[Record], groups: Sequence[str | None], count: int) -> list[str]:
    matched = sum(group is not None for group in groups)
    without = [record.id for record, group in zip(records, groups, strict=True) if group is None]
    replaced = sum(
        record.group is not None and group is not None and record.group != group
        for record, group in zip(records, groups, strict=True)
    )
    note = f"splits.group_pattern finds {counted(count, 'group')} in the names of {counted(matched, 'image')}"
    if replaced:
        note += f", in place of the group that {replaced} of them have otherwise"
    notes = [f"{note}."]
    if count == matched > 1:
        notes.append("It gives each of them a group of its own, so that nothing is kept together; is it the right one?")
    if without:
        notes.append(f"{len(without)} of {len(records)} names do not match splits.group_pattern ({some(without)}).")
    return notes
