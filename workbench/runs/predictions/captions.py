"""`predictions.parquet` of captioning: captions, references, and what the model itself thinks of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics import Estimate
from workbench.metrics.captions import caption_metrics
from workbench.metrics.captions_cider import cider_d
from workbench.metrics.captions_overlap import rouge_l
from workbench.runs.predictions.groups import group_codes
from workbench.runs.predictions.joint import ItemValues, JointPredictions, write_table


@dataclass(frozen=True)
class WrittenCaptions(JointPredictions):
    """One caption an image.

    Attributes:
        ids: Images.
        groups: Group names, or None where an image has none.
        captions: What was written.
        references: What people wrote; at least one each.
        clip_scores: float (n,).
        ref_clip_scores: float (n,).
    """

    ids: Sequence[str]
    groups: Sequence[str | None]
    captions: Sequence[str]
    references: Sequence[Sequence[str]]
    clip_scores: AnyArray
    ref_clip_scores: AnyArray

    def metrics(self) -> dict[str, Estimate]:
        """See `JointPredictions.metrics`."""
        extra = {"clip_score": self.clip_scores, "ref_clip_score": self.ref_clip_scores}
        return caption_metrics(self.captions, self.references, group_codes(self.groups), extra=extra)

    def chance(self) -> dict[str, float]:
        """Nothing: there is no guessing at a sentence."""
        return {}

    def terms(self) -> dict[str, Callable[[], ItemValues]]:
        """See `JointPredictions.terms`; BLEU is no mean over images."""
        return {
            "cider": lambda: self._values(cider_d(self.captions, self.references)),
            "rouge_l": lambda: self._values(rouge_l(self.captions, self.references)),
            "clip_score": lambda: self._values(self.clip_scores),
            "ref_clip_score": lambda: self._values(self.ref_clip_scores),
        }

    def _values(self, values: AnyArray) -> ItemValues:
        return ItemValues(self.ids, self.groups, np.asarray(values, dtype=np.float64))

    def write(self, path: Path) -> None:
        """Write `id`, `group`, `caption`, `references`, `clip_score`, `ref_clip_score`."""
        import pyarrow as pa

        columns = {
            "id": pa.array(list(self.ids), pa.string()),
            "group": pa.array(list(self.groups), pa.string()),
            "caption": pa.array(list(self.captions), pa.string()),
            "references": pa.array([list(own) for own in self.references], pa.list_(pa.string())),
            "clip_score": pa.array(np.asarray(self.clip_scores, np.float64)),
            "ref_clip_score": pa.array(np.asarray(self.ref_clip_scores, np.float64)),
        }
        write_table(path, columns, {"task": "captioning"})
