"""`predictions.parquet` of tasks that pick the best of candidates: the scores of every item's candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import Estimate, Metric, estimate_metrics
from workbench.metrics import functional as F
from workbench.metrics.choices import choice_metrics
from workbench.metrics.keys import accuracy_parts
from workbench.metrics.matching import ItemHits
from workbench.tasks.choices.answers import candidate_answers
from workbench.tasks.examples import Example, ScoredAnswer
from workbench.tasks.groups import group_codes
from workbench.tasks.predictions import ItemScores, Predictions, columns_of, table_of

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.datasets import Dataset


@dataclass(frozen=True)
class ChoicePredictions(Predictions):
    """The scores of every item's candidates.

    Attributes:
        by_candidates: Whether accuracy is given for each number of candidates, too.
        ids: Items.
        images: Image ids.
        texts: The text, or texts with ` | ` between them.
        groups: Group names, or None.
        categories: Category of each item (the card's column `kind`), or empty texts.
        scores: Logits of each item's candidates.
        is_correct: Whether each candidate is right.
    """

    by_candidates: ClassVar[bool] = False

    ids: Sequence[str]
    images: Sequence[str]
    texts: Sequence[str]
    groups: Sequence[str | None]
    categories: Sequence[str]
    scores: Sequence[FloatArray]
    is_correct: Sequence[AnyArray]

    def estimates(self, metrics: Sequence[Metric]) -> dict[str, Estimate]:
        """See `Predictions.estimates`; accuracy is given for each kind of item, too."""
        groups = group_codes(self.groups)
        accuracies = choice_metrics(
            self._flat, self._truth, self._starts, groups,
            categories=np.array(self.categories, dtype=np.str_), by_candidates=self.by_candidates,
        )  # fmt: skip
        other_metrics = [metric for metric in metrics if metric.name not in accuracies]
        return accuracies | (
            estimate_metrics(other_metrics, ItemHits(self.hits), len(self.ids), groups) if other_metrics else {}
        )

    def chance(self) -> dict[str, float]:
        """Expected accuracy of picking any candidate."""
        return {"chance_accuracy": float(np.mean([right.mean() for right in self.is_correct]))}

    def comparable(self) -> Sequence[str]:
        """See `Predictions.comparable`."""
        return list(self._parts())

    def scores_of(self, metric: str) -> ItemScores:
        """See `Predictions.scores_of`."""
        parts = self._parts()
        if metric not in parts:
            raise self.unknown(metric)
        return self._hits(self.hits, parts[metric])

    @property
    def hits(self) -> AnyArray:
        """Whether each item is right, bool (items,)."""
        return F.picks_right(self._flat, self._truth, self._starts)

    def _parts(self) -> dict[str, AnyArray]:
        """The items that each accuracy is taken over, bool (items,)."""
        counts = np.array([len(item_scores) for item_scores in self.scores]) if self.by_candidates else None
        whole = {"accuracy": np.ones(len(self.ids), dtype=np.bool_)}
        return whole | accuracy_parts(np.array(self.categories, dtype=np.str_), counts)

    def _hits(self, values: AnyArray, inside: AnyArray | None = None) -> ItemScores:
        chosen = list(range(len(self.ids))) if inside is None else np.flatnonzero(inside).tolist()
        ids, groups = [self.ids[i] for i in chosen], [self.groups[i] for i in chosen]
        return ItemScores(ids, groups, np.asarray(values[chosen], np.float64))

    @property
    def _flat(self) -> FloatArray:
        return np.concatenate([np.asarray(item_scores, dtype=np.float32) for item_scores in self.scores])

    @property
    def _truth(self) -> AnyArray:
        return np.concatenate([np.asarray(item_truth, dtype=np.bool_) for item_truth in self.is_correct])

    @property
    def _starts(self) -> AnyArray:
        counts = [len(item_scores) for item_scores in self.scores]
        return np.cumsum(counts) - counts

    def examples(self) -> list[Example]:
        """See `Predictions.examples`: wrong ones by the widest margin first, right ones by the narrowest."""
        hits = np.asarray(self.hits, dtype=np.bool_)
        margins = [self._margin(i) for i in range(len(self.ids))]
        order = sorted(range(len(self.ids)), key=lambda i: (hits[i], -margins[i][0]))
        return [self._example(i, bool(hits[i]), margins[i][1]) for i in order]

    def _example(self, i: int, is_right: bool, what: str) -> Example:
        parts = {"category": self.categories[i], "group": self.groups[i]}
        return Example(
            i, self.ids[i], self.images[i], self.texts[i], what, is_right,
            {name: value for name, value in parts.items() if value}, self._chance_of(i),
        )  # fmt: skip

    def _chance_of(self, i: int) -> float | None:
        """The probability of being right by picking any candidate."""
        return float(np.mean(self.is_correct[i]))

    def answers(
        self, place: int, dataset: "Dataset | None" = None, row: int | None = None  # noqa: ARG002
    ) -> list[ScoredAnswer]:  # fmt: skip
        """See `Predictions.answers`: candidates by number, where a task does not know more."""
        texts = [f"candidate {k + 1}" for k in range(len(self.scores[place]))]
        return candidate_answers(self.scores[place], self.is_correct[place], texts)

    def _margin(self, i: int) -> tuple[float, str]:
        """The margin by which the best wrong candidate is above the best right one, and a sentence about it."""
        scores, right = self.scores[i], self.is_correct[i]
        margin = float(np.max(scores[~right]) - np.max(scores[right]))
        if margin < 0:
            return margin, f"the right one of {len(scores)} candidates scores {-margin:+.2f} above the others"
        return margin, f"a wrong one of {len(scores)} candidates scores {margin:+.2f} above the right one"

    def metadata(self) -> dict[str, str]:
        """Values in the metadata of the file."""
        return {}

    def to_table(self) -> "pa.Table":
        """`id`, `image`, `text`, `group`, `kind`, `scores` and `right` (a list each)."""
        import pyarrow as pa

        columns = {
            "id": pa.array(list(self.ids), pa.string()),
            "image": pa.array(list(self.images), pa.string()),
            "text": pa.array(list(self.texts), pa.string()),
            "group": pa.array(list(self.groups), pa.string()),
            "kind": pa.array(list(self.categories), pa.string()),
            "scores": pa.array([values.tolist() for values in self.scores], pa.list_(pa.float32())),
            "right": pa.array([values.tolist() for values in self.is_correct], pa.list_(pa.bool_())),
        }
        return table_of(columns | self.further_columns(), self.metadata())

    @classmethod
    def from_table(cls, table: "pa.Table") -> Self:
        """See `Predictions.from_table`."""
        columns, metadata = columns_of(table)
        return cls(
            columns["id"], columns["image"], columns["text"], columns["group"], columns["kind"],
            [np.array(values, dtype=np.float32) for values in columns["scores"]],
            [np.array(values, dtype=np.bool_) for values in columns["right"]],
            **cls.fields_of_metadata(metadata),
            **cls.fields_of_columns(columns),
        )  # fmt: skip

    @classmethod
    def fields_of_metadata(cls, metadata: dict[str, str]) -> dict[str, str]:  # noqa: ARG003
        """Further fields of a subclass, from the metadata of the file."""
        return {}

    def further_columns(self) -> "dict[str, pa.Array]":
        """Columns of the table that a subclass adds."""
        return {}

    @classmethod
    def fields_of_columns(cls, columns: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: ARG003
        """Further fields of a subclass, from the columns of the table."""
        return {}
