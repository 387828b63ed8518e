"""`predictions.parquet` of retrieval: the ranks of the right items of every query."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from workbench.metrics import Estimate, Evaluator, Metric, estimate_metrics
from workbench.metrics import functional as F
from workbench.metrics.registry import all_metrics
from workbench.metrics.retrieval import DirectedRanks
from workbench.tasks.examples import Example, ScoredAnswer
from workbench.tasks.groups import group_codes
from workbench.tasks.predictions import ItemScores, Predictions, columns_of, table_of

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.datasets import Dataset

DIRECTIONS = ("image_to_text", "text_to_image")


@dataclass(frozen=True)
class RetrievalPredictions(Predictions):
    """The ranks of the right items of every query.

    Attributes:
        direction: `image_to_text` or `text_to_image`, of each query.
        ids: The image's id, or the text.
        groups: Queries of a group are resampled together: the image's group; of a text that of its first image.
        ranks: Places of the right items in the ranking of the whole gallery, from 1, ascending.
        gallery: Size of the gallery by direction.
        first: The first answers to each query, and the best right one; empty in runs of earlier versions.
    """

    examples_are: ClassVar[str] = "queries, those whose right item stands latest first"

    direction: Sequence[str]
    ids: Sequence[str]
    groups: Sequence[str | None]
    ranks: Sequence[Sequence[int]]
    gallery: dict[str, int]
    first: Sequence[Sequence[ScoredAnswer]] = ()

    def estimates(self, metrics: Sequence[Metric]) -> dict[str, Estimate]:
        """See `Predictions.estimates`."""
        estimates: dict[str, Estimate] = {}
        for direction in DIRECTIONS:
            rows = self._rows(direction)
            groups = group_codes([self.groups[i] for i in rows])
            estimates |= estimate_metrics(metrics, self._view(direction, rows), len(rows), groups)
        return estimates

    def chance(self) -> dict[str, float]:
        """Expected recall at 1."""
        chances = {}
        for direction in DIRECTIONS:
            counts = [len(self.ranks[i]) for i in self._rows(direction)]
            chances[f"chance_{direction}_recall_at_1"] = float(np.mean(counts) / self.gallery[direction])
        return chances

    def comparable(self) -> Sequence[str]:
        """The metrics that are means over queries; the median rank is none."""
        return [
            name
            for direction in DIRECTIONS
            for name in Evaluator(all_metrics().values(), self._view(direction, self._rows(direction))).terms
        ]

    def scores_of(self, metric: str) -> ItemScores:
        """See `Predictions.scores_of`."""
        chosen = [all_metrics()[metric]] if metric in all_metrics() else []
        for direction in DIRECTIONS:
            rows = self._rows(direction)
            terms = Evaluator(chosen, self._view(direction, rows)).terms
            if metric in terms:
                ids, groups = [self.ids[i] for i in rows], [self.groups[i] for i in rows]
                return ItemScores(ids, groups, np.asarray(terms[metric], np.float64))
        raise self.unknown(metric)

    def examples(self) -> list[Example]:
        """Queries, those whose first right item stands latest first; right is a query with a right one before all."""
        best = np.array([min(query_ranks) for query_ranks in self.ranks], dtype=np.int64)
        return [self._example(i, int(best[i])) for i in np.argsort(-best, kind="stable").tolist()]

    def answers(
        self, place: int, dataset: "Dataset | None" = None, row: int | None = None  # noqa: ARG002
    ) -> list[ScoredAnswer]:  # fmt: skip
        """See `Predictions.answers`: the first five, and the best right one."""
        return list(self.first[place]) if self.first else []

    def _example(self, i: int, best: int) -> Example:
        direction = self.direction[i]
        size = self.gallery[direction]
        parts = {"direction": direction, **({"group": group} if (group := self.groups[i]) else {})}
        image = self.ids[i] if direction == DIRECTIONS[0] else None
        what = "a right item stands first" if best == 1 else f"the first right item stands at {best} of {size}"
        return Example(i, self.ids[i], image, self.ids[i], what, best == 1, parts, len(self.ranks[i]) / size)

    def _rows(self, direction: str) -> list[int]:
        return [i for i, query_direction in enumerate(self.direction) if query_direction == direction]

    def _view(self, direction: str, rows: Sequence[int]) -> DirectedRanks:
        counts = [len(self.ranks[i]) for i in rows]
        rank = np.concatenate([np.empty(0, np.int64), *(np.asarray(self.ranks[i], dtype=np.int64) for i in rows)])
        return DirectedRanks(F.Ranks(np.repeat(np.arange(len(rows)), counts), rank), direction)

    def to_table(self) -> "pa.Table":
        """`direction`, `id`, `group`, `ranks`; of the first answers `first`, `first_scores` and `first_right`."""
        import pyarrow as pa

        columns = {
            "direction": pa.array(list(self.direction), pa.string()),
            "id": pa.array(list(self.ids), pa.string()),
            "group": pa.array(list(self.groups), pa.string()),
            "ranks": pa.array([list(map(int, query_ranks)) for query_ranks in self.ranks], pa.list_(pa.int64())),
        }
        if self.first:
            columns |= {
                name: pa.array([[read(answer) for answer in answers] for answers in self.first], pa.list_(kind))
                for name, read, kind in (
                    ("first", attrgetter("text"), pa.string()), ("first_scores", attrgetter("score"), pa.float32()),
                    ("first_right", attrgetter("is_right"), pa.bool_()),
                )
            }  # fmt: skip
        return table_of(columns, {"gallery": self.gallery})

    @classmethod
    def from_table(cls, table: "pa.Table") -> Self:
        """See `Predictions.from_table`."""
        columns, metadata = columns_of(table)
        directions = columns["direction"]
        kept = (columns[name] for name in ("first", "first_scores", "first_right")) if "first" in columns else ()
        first = [_first(*answers) for answers in zip(directions, *kept, strict=True)] if "first" in columns else []
        return cls(directions, columns["id"], columns["group"], columns["ranks"], metadata["gallery"], first)


def _first(
    direction: str, texts: Sequence[str], scores: Sequence[float], right: Sequence[bool]
) -> list[ScoredAnswer]:  # fmt: skip
    return [
        ScoredAnswer(
            text, score, is_right=is_right, is_chosen=place == 0, image=text if direction == DIRECTIONS[1] else None
        )
        for place, (text, score, is_right) in enumerate(zip(texts, scores, right, strict=True))
    ]
