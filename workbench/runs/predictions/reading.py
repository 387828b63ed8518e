"""Read the `predictions.parquet` of any task but classification."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import DataError
from workbench.inputs import check_regular
from workbench.runs.predictions.captions import WrittenCaptions
from workbench.runs.predictions.choices import ScoredChoices
from workbench.runs.predictions.joint import JointPredictions
from workbench.runs.predictions.retrieval import RankedQueries

Columns = dict[str, list[Any]]


def read_joint_predictions(path: Path) -> JointPredictions:
    """Read what `JointPredictions.write` wrote; raises `DataError` naming the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        check_regular(path)
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[b"workbench"])
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
        return _READERS[about["task"]](columns, about)
    except (OSError, KeyError, ValueError, TypeError, RecursionError, pa.ArrowException) as error:
        tasks = ", ".join(_READERS)
        raise DataError(f"{path}: not a predictions file of {tasks} ({error}).") from error


def _retrieval(columns: Columns, about: dict[str, Any]) -> RankedQueries:
    return RankedQueries(columns["direction"], columns["id"], columns["group"], columns["ranks"], about["gallery"])


def _choices(columns: Columns, about: dict[str, Any]) -> ScoredChoices:
    return ScoredChoices(
        about["task"], about["form"], columns["id"], columns["image"], columns["text"], columns["group"],
        columns["kind"], [np.array(own, dtype=np.float32) for own in columns["scores"]],
        [np.array(own, dtype=np.bool_) for own in columns["right"]],
    )  # fmt: skip


def _captions(columns: Columns, about: dict[str, Any]) -> WrittenCaptions:  # noqa: ARG001 - as the other readers
    scores = (np.array(columns[name], dtype=np.float64) for name in ("clip_score", "ref_clip_score"))
    return WrittenCaptions(columns["id"], columns["group"], columns["caption"], columns["references"], *scores)


_READERS: dict[str, Callable[[Columns, dict[str, Any]], JointPredictions]] = {
    "retrieval": _retrieval,
    "matching": _choices,
    "grounding": _choices,
    "captioning": _captions,
}
