"""`predictions.parquet` of captioning: captions, references, and CLIPScores by the run's model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics import Estimate, Evaluator, Metric, estimate_metrics
from workbench.metrics.captions import CaptionScores
from workbench.metrics.registry import all_metrics
from workbench.tasks.examples import Example, ScoredAnswer
from workbench.tasks.groups import group_codes
from workbench.tasks.predictions import ItemScores, Predictions, columns_of, table_of

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.datasets import Dataset


@dataclass(frozen=True)
class CaptionPredictions(Predictions):
    """One caption an image.

    Attributes:
        ids: Images.
        groups: Group names, or None where an image has none.
        captions: The predicted captions.
        references: Captions by people; at least one an image.
        clip_scores: float (n,).
        ref_clip_scores: float (n,).
    """

    examples_are: ClassVar[str] = "captions, those least like their references first"

    ids: Sequence[str]
    groups: Sequence[str | None]
    captions: Sequence[str]
    references: Sequence[Sequence[str]]
    clip_scores: AnyArray
    ref_clip_scores: AnyArray

    def _view(self) -> CaptionScores:
        extra = {"clip_score": self.clip_scores, "ref_clip_score": self.ref_clip_scores}
        return CaptionScores(self.captions, self.references, extra)

    def estimates(self, metrics: Sequence[Metric]) -> dict[str, Estimate]:
        """See `Predictions.estimates`."""
        return estimate_metrics(metrics, self._view(), len(self.ids), group_codes(self.groups))

    def comparable(self) -> Sequence[str]:
        """The metrics that are means over images; BLEU is none."""
        return list(Evaluator(all_metrics().values(), self._view()).terms)

    def scores_of(self, metric: str) -> ItemScores:
        """See `Predictions.scores_of`."""
        terms = Evaluator([all_metrics()[metric]] if metric in all_metrics() else [], self._view()).terms
        if metric not in terms:
            raise self.unknown(metric)
        return ItemScores(self.ids, self.groups, np.asarray(terms[metric], np.float64))

    def examples(self) -> list[Example]:
        """All images, those whose captions are least like their references first; none is right or wrong."""
        scores = self._view().cider
        return [
            Example(
                i, self.ids[i], self.ids[i], self.captions[i], f"CIDEr-D {scores[i]:.2f}", None,
                {"group": group} if (group := self.groups[i]) else {},
            )
            for i in np.argsort(scores, kind="stable").tolist()
        ]  # fmt: skip

    def answers(
        self, place: int, dataset: "Dataset | None" = None, row: int | None = None  # noqa: ARG002
    ) -> list[ScoredAnswer]:  # fmt: skip
        """See `Predictions.answers`: the caption, with its CIDEr-D, and its references."""
        caption = ScoredAnswer(self.captions[place], float(self._view().cider[place]), is_chosen=True)
        return [caption, *(ScoredAnswer(reference, is_right=True) for reference in self.references[place])]

    def to_table(self) -> "pa.Table":
        """`id`, `group`, `caption`, `references`, `clip_score`, `ref_clip_score`."""
        import pyarrow as pa

        columns = {
            "id": pa.array(list(self.ids), pa.string()),
            "group": pa.array(list(self.groups), pa.string()),
            "caption": pa.array(list(self.captions), pa.string()),
            "references": pa.array(
                [list(image_references) for image_references in self.references], pa.list_(pa.string())
            ),
            "clip_score": pa.array(np.asarray(self.clip_scores, np.float64)),
            "ref_clip_score": pa.array(np.asarray(self.ref_clip_scores, np.float64)),
        }
        return table_of(columns, {})

    @classmethod
    def from_table(cls, table: "pa.Table") -> Self:
        """See `Predictions.from_table`."""
        columns, _ = columns_of(table)
        scores = (np.array(columns[name], dtype=np.float64) for name in ("clip_score", "ref_clip_score"))
        return cls(columns["id"], columns["group"], columns["caption"], columns["references"], *scores)
