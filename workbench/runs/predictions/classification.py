"""`predictions.parquet` of classification: the scores of every class for every test image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.inputs import check_regular
from workbench.runs.predictions.groups import group_codes

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Predictions:
    """Scores of test items.

    Attributes:
        ids: Item names.
        groups: Group names, or None where an item has none.
        labels: int64 (n,), or bool (n, n_classes) where multi-label; None for unlabelled items.
        scores: float32 (n, n_classes) logits.
        class_names: In column order.
        class_keys: Their raw labels, which stay what they are when a card calls the classes otherwise; None where they
            are not recorded, as by earlier versions and by other tools.
        unseen: Columns of the classes that the card keeps for test.
    """

    ids: Sequence[str]
    groups: Sequence[str | None]
    labels: AnyArray | None
    scores: FloatArray
    class_names: tuple[str, ...]
    class_keys: tuple[str, ...] | None = None
    unseen: tuple[int, ...] = ()

    @property
    def group_codes(self) -> AnyArray | None:
        """As `group_codes` numbers them."""
        return group_codes(self.groups)


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write as Parquet: `id`, `group`, `label` (index, or list of indices), `scores`.

    The metadata holds `class_names` and, where there are any, `class_keys` and `unseen`, all as JSON lists.
    """
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    n, width = predictions.scores.shape
    values = pa.array(np.ascontiguousarray(predictions.scores).reshape(-1))
    columns = {
        "id": pa.array(list(predictions.ids), pa.string()),
        "group": pa.array(list(predictions.groups), pa.string()),
        "scores": pa.FixedSizeListArray.from_arrays(values, width),
    }
    if predictions.labels is not None:
        if predictions.labels.ndim == 2:
            columns["label"] = pa.array(
                [np.flatnonzero(row).tolist() for row in predictions.labels], pa.list_(pa.int64())
            )
        else:
            columns["label"] = pa.array(predictions.labels)
    about = {name: getattr(predictions, name) for name in ("class_names", "class_keys", "unseen")}
    table = pa.table(columns).replace_schema_metadata({key: json.dumps(own) for key, own in about.items() if own})
    assert table.num_rows == n
    pq.write_table(table, path, compression="zstd")


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote; raises `DataError` naming the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        check_regular(path)
        return _from_table(pq.read_table(path))
    except (OSError, LookupError, AttributeError, ValueError, TypeError, RecursionError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a predictions file of the workbench, or damaged ({error}).") from error


def _from_table(table: "pa.Table") -> Predictions:
    import json

    import pyarrow as pa

    about = table.schema.metadata or {}
    names = tuple(json.loads(about[b"class_names"]))
    keys = tuple(json.loads(about[b"class_keys"])) if b"class_keys" in about else None
    unseen = tuple(json.loads(about.get(b"unseen", b"[]")))
    ids, groups = table.column("id").to_pylist(), table.column("group").to_pylist()
    column = table.column("scores").combine_chunks()
    scores = np.asarray(column.values, dtype=np.float32).reshape(-1, len(names))
    if len(scores) != len(ids):
        raise ValueError(f"{len(scores)} rows of scores for {len(ids)} items")
    labels: AnyArray | None = None
    if "label" in table.column_names:
        listed = table.column("label")
        if pa.types.is_list(listed.type):
            labels = np.zeros((len(ids), len(names)), dtype=np.bool_)
            for i, own in enumerate(listed.to_pylist()):
                labels[i, own] = True
        else:
            labels = np.asarray(listed.to_pylist(), dtype=np.int64)
            if len(labels) and labels.max() >= len(names):
                raise ValueError(f"label {labels.max()} of {len(names)} classes")
    return Predictions(ids, groups, labels, scores, names, keys, unseen)
