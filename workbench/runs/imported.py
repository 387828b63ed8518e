"""Predictions of other tools, so that they can be compared with runs on the same test items."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.runs.predictions import Predictions

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ImportedScores:
    """Scores from a file.

    Attributes:
        path: The file.
        predictions: Its scores; no labels and groups but the file's own.
        named_classes: Whether the file names its classes; if not, they are taken to be in the run's order.
    """

    path: Path
    predictions: Predictions
    named_classes: bool


def import_scores(path: Path, class_names: tuple[str, ...]) -> ImportedScores:
    """Read a Parquet file with the columns `id` and `scores` (a list of one logit a class).

    The workbench's own `predictions.parquet` is such a file. Where the file's metadata holds `class_names` or
    `class_keys` (JSON lists: names, and raw labels) the columns are matched with the run's classes by them; a column
    `label` (indices of columns) is checked against the run's labels.

    Args:
        path: The file.
        class_names: Of the run that it is compared with.

    Raises:
        DataError: The file cannot be read, lacks a column, or has scores for other classes; says which.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({error}).") from error
    for column in ("id", "scores"):
        if column not in table.column_names:
            has = ", ".join(table.column_names) or "none"
            raise DataError(f"{path}: expected the columns 'id' and 'scores', {column!r} is missing; it has: {has}.")
    scores = _matrix(path, table.column("scores"), len(class_names))
    names, keys = (_listed(path, table, key, len(class_names)) for key in ("class_names", "class_keys"))
    ids = [str(each) for each in table.column("id").to_pylist()]
    predictions = Predictions(ids, [None] * len(ids), _labels(table), scores, names or keys or class_names, keys)
    return ImportedScores(path, predictions, bool(names or keys))


def _listed(path: Path, table: "pa.Table", key: str, width: int) -> tuple[str, ...] | None:
    text = (table.schema.metadata or {}).get(key.encode())
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DataError(f"{path}: metadata {key}: not valid JSON ({error}).") from error
    if not isinstance(found, list) or len({*map(str, found)}) != width or len(found) != width:
        raise DataError(f"{path}: metadata {key}: expected a JSON list of {width} different names, one a column.")
    return tuple(map(str, found))


def _matrix(path: Path, column: "pa.ChunkedArray", width: int) -> FloatArray:
    rows = column.to_pylist()
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width or None in row:
            found = f"{len(row)} values" if isinstance(row, list) else repr(row)
            raise DataError(f"{path}: scores: expected a list of {width} numbers, one a class; row {i} has {found}.")
    try:
        return np.asarray(rows, dtype=np.float32).reshape(len(rows), width)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: scores: expected numbers ({error}).") from error


def _labels(table: "pa.Table") -> AnyArray | None:
    import pyarrow as pa

    if "label" not in table.column_names or not pa.types.is_integer(table.column("label").type):
        return None
    return np.asarray(table.column("label").to_pylist(), dtype=np.int64)
