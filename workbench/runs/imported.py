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

    The workbench's own `predictions.parquet` is such a file. Where the file's metadata holds `class_names` (a JSON
    list) they must be the run's; a column `label` (class indices) is checked against the run's labels.

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
    named = (table.schema.metadata or {}).get(b"class_names")
    if named is not None and tuple(json.loads(named)) != class_names:
        raise DataError(f"{path}: its class_names are not those of the run, or in another order.")
    ids = [str(each) for each in table.column("id").to_pylist()]
    predictions = Predictions(ids, [None] * len(ids), _labels(table), scores, class_names)
    return ImportedScores(path, predictions, named is not None)


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
