"""Features as a table for other tools."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import FloatArray, IntArray
from workbench.features.extraction import Extraction, extract
from workbench.features.store import FeatureStore
from workbench.outputs import output_file

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.datasets import Dataset
    from workbench.datasets.roles import SplitChoice
    from workbench.models import Encoder
    from workbench.settings import Settings


def features_of_split(
    dataset: "Dataset",
    encoder: "Encoder",
    split: "SplitChoice",
    settings: "Settings",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[IntArray, Extraction]:
    """Rows of a split, int64 (n,), and their features, computed where the cache lacks them.

    Args:
        dataset: The dataset.
        encoder: The model.
        split: `train`, `val`, `test`, or `all` of them.
        settings: Give the cache and the number of workers.
        progress: Called with (done, total) while features are computed.
    """
    rows = dataset.rows(split)
    store = FeatureStore.of(settings)
    return rows, extract(dataset, rows, encoder, store, workers=settings.workers, thumbnails=True, progress=progress)


def feature_table(dataset: "Dataset", rows: IntArray, extraction: Extraction) -> "pa.Table":
    """`id`, `split`, `group`, `labels` (names), `pooled` and `projected` of the readable rows.

    Args:
        dataset: The dataset.
        rows: Rows whose features were extracted, int64 (n,).
        extraction: Their features.
    """
    import pyarrow as pa

    good = rows[extraction.readable]
    features = extraction.features.take(np.flatnonzero(extraction.readable))
    names = dataset.label_names
    records = [dataset.manifest.records[row] for row in good]
    return pa.table(
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


def write_feature_table(dataset: "Dataset", rows: IntArray, extraction: Extraction, path: Path) -> None:
    """Write `feature_table` as Parquet."""
    import pyarrow.parquet as pq

    with output_file(path) as aside:
        pq.write_table(feature_table(dataset, rows, extraction), aside, compression="zstd")


def _lists(values: FloatArray) -> "pa.Array":
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).reshape(-1)), values.shape[1])
