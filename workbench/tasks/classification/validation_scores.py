"""`validation.parquet`: the scores of validation images that a run's choices were made on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.arrays import AnyArray, FloatArray

VALIDATION = "validation.parquet"


@dataclass(frozen=True)
class ValidationScores:
    """Scores of validation images, which the recipe was not fitted on.

    Attributes:
        scores: Logits of the recipe's predictor, float32 (n, c), not calibrated.
        labels: int64 (n,).
        groups: int64 (n,) codes, or None.
    """

    scores: FloatArray
    labels: AnyArray
    groups: AnyArray | None

    def write(self, path: Path, class_names: Sequence[str]) -> None:
        """As Parquet: `label`, `group` and `scores`, a row an image; `class_names` in the metadata."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        values = pa.array(np.ascontiguousarray(self.scores).reshape(-1))
        columns = {
            "label": pa.array(self.labels),
            "scores": pa.FixedSizeListArray.from_arrays(values, self.scores.shape[1]),
            **({} if self.groups is None else {"group": pa.array(self.groups)}),
        }
        table = pa.table(columns).replace_schema_metadata({"class_names": json.dumps(list(class_names))})
        pq.write_table(table, path, compression="zstd")
