"""Predictions of other tools, to compare with runs on the same test items."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.inputs import check_regular, parse_json
from workbench.metrics import align_items
from workbench.tasks import ClassPredictions
from workbench.texts import shown

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBER = re.compile(r"-?[0-9]{1,9}(\.0*)?")


@dataclass(frozen=True)
class ImportedScores:
    """Scores from a file.

    Attributes:
        path: The file.
        predictions: Its scores; no labels and groups but the file's own.
        named_classes: Whether the file names its classes; if not, they are taken to be in the run's order.
    """

    path: Path
    predictions: ClassPredictions
    named_classes: bool


def with_labels_of(imported: ClassPredictions, run: ClassPredictions) -> ClassPredictions:
    """Imported scores in the order of a run's items, with the run's labels where the file has none of its own.

    Raises:
        DataError: They have other classes.
        NotComparableError: The test items are not the same.
    """
    matched = _divided(imported.matched(run), run)
    if matched.labels is not None:
        return matched
    order = align_items(np.asarray(run.ids, np.str_), np.asarray(matched.ids, np.str_))
    return replace(matched, ids=run.ids, groups=run.groups, labels=run.labels, scores=matched.scores[order])


def _divided(imported: ClassPredictions, run: ClassPredictions) -> ClassPredictions:
    """Scores whose items of unknown classes stand apart, where the run has some and the file has them all."""
    unknown = run.unknown_items
    if unknown is None or imported.unknown_items is not None:
        return imported
    place, others = {name: i for i, name in enumerate(imported.ids)}, set(unknown.ids)
    rest = np.array([name not in others for name in imported.ids], dtype=np.bool_)
    apart = None
    if all(name in place for name in unknown.ids):
        rows = np.array([place[name] for name in unknown.ids], dtype=np.int64)
        apart = replace(unknown, scores=imported.scores[rows], scale=1.0)
    labels = None if imported.labels is None else imported.labels[rest]
    ids = [name for name in imported.ids if name not in others]
    return replace(
        imported, ids=ids, groups=[None] * len(ids), labels=labels, scores=imported.scores[rest], unknown_items=apart
    )


def import_scores(path: Path, class_names: tuple[str, ...]) -> ImportedScores:
    """Read a Parquet file with the columns `id` and `scores` (a list of one logit a class).

    The workbench's own `predictions.parquet` is such a file. Where the file's metadata holds `class_names` or
    `class_keys` (JSON lists: names, and raw labels) the columns are matched with the run's classes by them. A column
    `label` is checked against the run's labels: indices of columns, as integers, whole numbers or text, or the classes'
    names or raw labels; lists of these where several are right.

    Args:
        path: The file.
        class_names: Of the run that it is compared with.

    Raises:
        DataError: The file cannot be read, lacks a column, or has scores for other classes; says which.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        check_regular(path)
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({error}).") from error
    except ValueError as error:
        raise DataError(f"{str(path)!r}: no file can be called so ({error}).") from error
    for column in ("id", "scores"):
        if column not in table.column_names:
            has = ", ".join(table.column_names) or "none"
            raise DataError(f"{path}: expected the columns 'id' and 'scores', {column!r} is missing; it has: {has}.")
    scores = _matrix(path, table.column("scores"), len(class_names))
    names, keys = (_listed(path, table, key, len(class_names)) for key in ("class_names", "class_keys"))
    ids = [str(item_id) for item_id in table.column("id").to_pylist()]
    labels = _labels(path, table, (names or class_names, keys or ()))
    predictions = ClassPredictions(ids, [None] * len(ids), labels, scores, names or keys or class_names, keys)
    return ImportedScores(path, predictions, bool(names or keys))


def _listed(path: Path, table: "pa.Table", key: str, width: int) -> tuple[str, ...] | None:
    text = (table.schema.metadata or {}).get(key.encode())
    if text is None:
        return None
    names = parse_json(text, f"{path}: metadata {key}", DataError)
    if not isinstance(names, list) or len({*map(str, names)}) != width or len(names) != width:
        raise DataError(f"{path}: metadata {key}: expected a JSON list of {width} different names, one a column.")
    return tuple(map(str, names))


def _matrix(path: Path, column: "pa.ChunkedArray", width: int) -> FloatArray:
    rows = column.to_pylist()
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width or None in row:
            content = f"{len(row)} values" if isinstance(row, list) else repr(row)
            raise DataError(f"{path}: scores: expected a list of {width} numbers, one a class; row {i} has {content}.")
    try:
        values = np.asarray(rows, dtype=np.float64).reshape(len(rows), width)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: scores: expected numbers ({error}).") from error
    limit = float(np.finfo(np.float32).max)
    return np.asarray(np.clip(values, -limit, limit), dtype=np.float32)


def _labels(path: Path, table: "pa.Table", known: tuple[tuple[str, ...], tuple[str, ...]]) -> AnyArray | None:
    """Indices of columns, int64 (n,), or bool (n, n_classes) where the labels are lists; None without the column."""
    if "label" not in table.column_names:
        return None
    values = table.column("label").to_pylist()
    width = len(known[0])
    if not any(isinstance(value, list) for value in values):
        return np.array([_label(path, i, value, known) for i, value in enumerate(values)], dtype=np.int64)
    matrix = np.zeros((len(values), width), dtype=np.bool_)
    for i, cell in enumerate(values):
        matrix[i, [_label(path, i, value, known) for value in (cell if isinstance(cell, list) else [cell])]] = True
    return matrix


def _label(path: Path, row: int, value: object, known: tuple[tuple[str, ...], tuple[str, ...]]) -> int:
    """The column that one label means."""
    if isinstance(value, str):
        place = next((names.index(value) for names in known if value in names), None)
        if place is not None:
            return place
        number = float(value) if _NUMBER.fullmatch(value.strip()) else None
    else:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None or not number.is_integer() or not -1 <= number < len(known[0]):
        raise DataError(
            f"{path}: label: row {row} has {shown(repr(value), 60)}; expected the index of a column of scores "
            f"(0 to {len(known[0]) - 1}), or the name of a class. Leave the column out where labels are not known."
        )
    return int(number)
