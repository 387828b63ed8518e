"""Subgroups of images: sex, age band, scanner, site; a column each."""

import json
from collections.abc import Callable, Sequence

from workbench.datasets.card import DatasetCard
from workbench.datasets.sources import Record
from workbench.datasets.sources._columns import text
from workbench.errors import DataError
from workbench.registry import closest


def subgroups_of(
    card: DatasetCard, records: Sequence[Record], shown: Callable[[str], str] = str
) -> dict[str, list[str | None]]:
    """By column of `columns.subgroups`, the subgroup of each record, None where it has none.

    Args:
        card: The card.
        records: Some of the dataset's.
        shown: Gives the name that is recorded for one.

    Raises:
        DataError: No record has a column that the card names, or one that has another role, which leaves it no text.
    """
    if not card.columns.subgroups or not records:
        return {}
    rows = [json.loads(record.extra or "{}") for record in records]
    available = sorted({column for row in rows for column in row})
    found: dict[str, list[str | None]] = {}
    for column in card.columns.subgroups:
        if column not in available:
            raise DataError(
                f"dataset {card.name!r}: no image has a column {column!r}, which columns.subgroups of the card names."
                f"{closest(column, available)} Columns without another role are: {', '.join(available) or 'none'}."
            )
        values = [text(row.get(column)) for row in rows]
        found[column] = [value and shown(value) for value in values]
    return found
