"""Columns that say more of images: subgroups (sex, age band, scanner, site), observations, regions."""

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
    found = _read(card, records, "subgroups", card.columns.subgroups)
    return {column: [value and shown(value) for value in values] for column, values in found.items()}


def column_of(card: DatasetCard, records: Sequence[Record], key: str) -> list[str | None] | None:
    """The text of each record in the column that `columns.KEY` names; None where it names none, or there is no record.

    Raises:
        DataError: See `subgroups_of`.
    """
    column: str | None = getattr(card.columns, key)
    return None if column is None else _read(card, records, key, (column,)).get(column)


def _read(
    card: DatasetCard, records: Sequence[Record], key: str, columns: Sequence[str]
) -> dict[str, list[str | None]]:  # fmt: skip
    if not columns or not records:
        return {}
    rows = [json.loads(record.extra or "{}") for record in records]
    available = sorted({column for row in rows for column in row})
    for column in columns:
        if column not in available:
            raise DataError(
                f"dataset {card.name!r}: no image has a column {column!r}, which columns.{key} of the card names."
                f"{closest(column, available)} Columns without another role are: {', '.join(available) or 'none'}."
            )
    return {column: [text(row.get(column)) for row in rows] for column in columns}
