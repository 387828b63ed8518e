"""Cells of the columns that items are made from."""

import json
from collections.abc import Mapping
from typing import Any

from workbench.datasets.dataset import Dataset
from workbench.errors import DataError

_SHOWN = 80


def cell(dataset: Dataset, name: str, extra: Mapping[str, Any], column: str, *, whole: bool = False) -> Any:
    """A cell; tables without types hold lists and objects as JSON.

    Args:
        dataset: For messages and the card.
        name: The image's id.
        extra: The row's columns, see `Dataset.extra`.
        column: The cell's column.
        whole: Whether digits are a whole number.

    Raises:
        DataError: The row has no such column.
    """
    if column not in extra:
        raise DataError(
            f"dataset {dataset.name!r}: {name} has no column {column!r}, which the card names. "
            f"Columns without another role: {', '.join(extra) or 'none'}."
        )
    value = extra[column]
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return int(value) if whole and isinstance(value, str) and value.isdecimal() else value


def unfit(dataset: Dataset, name: str, column: str, expected: str, value: Any) -> DataError:
    """An error that names the image, the column, what the column must hold, and what it has."""
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return DataError(f"dataset {dataset.name!r}: {name}: column {column!r} must hold {expected}, but has {shown}.")
