"""Features as a Parquet file for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import FloatArray, IntArray
from workbench.features.extraction import Extraction
from workbench.outputs import output_file

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.datasets import Dataset


def write_feature_table(dataset: "Dataset", rows: IntArray, extraction: Extraction, path: Path) -> None:
    """Write `id`, `split`, `group`, `labels` (names), `pooled` and `projected` of the readable rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    good = rows[extraction.readable]
    features = extraction.features.take(np.flatnonzero(extraction.readable))
    names = dict(zip(dataset.class_keys, dataset.class_names, strict=True))
    records = [dataset.manifest.records[row] for row in good]
    table = pa.table(
        {
            "id": dataset.ids(good),
            "split": [record.split for record in records],
            "group": pa.array(dataset.group_names(good), pa.string()),
            "labels": pa.array(
                [[names[label] for label in record.labels] for record in records], pa.list_(pa.string())
            ),
            "pooled": _lists(features.pooled),
            "projected": _lists(features.projected),
        }
    )
    with output_file(path) as aside:
        pq.write_table(table, aside, compression="zstd")


def _lists(values: FloatArray) -> "pa.Array":
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).reshape(-1)), values.shape[1])
