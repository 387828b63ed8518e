"""Predictions of grounding: the scores of every instruction's candidate boxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics import Estimate, Metric
from workbench.metrics.keys import accuracy_parts
from workbench.metrics.matching import hit_rate
from workbench.tasks.choices.answers import candidate_answers, number_of
from workbench.tasks.choices.predictions import ChoicePredictions
from workbench.tasks.examples import ScoredAnswer
from workbench.tasks.grounding.items import grounding_items
from workbench.tasks.grounding.pointing import Pointing
from workbench.tasks.groups import group_codes
from workbench.tasks.predictions import ItemScores

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.datasets import Dataset


@dataclass(frozen=True)
class GroundingPredictions(ChoicePredictions):
    """The more boxes an item has, the harder it is: accuracy is given for each number of boxes, too.

    Attributes:
        pointing: Where each item's text points without boxes; None where the card does not ask for it.
    """

    by_candidates: ClassVar[bool] = True

    pointing: Pointing | None = None

    def estimates(self, metrics: Sequence[Metric]) -> dict[str, Estimate]:
        """See `Predictions.estimates`; with `pointing_accuracy`, and that of each kind of item."""
        found = super().estimates(metrics)
        if self.pointing is None:
            return found
        groups = group_codes(self.groups)
        return found | {
            name: hit_rate(self.pointing.right[inside], None if groups is None else groups[inside])
            for name, inside in self._pointing_parts().items()
        }

    def chance(self) -> dict[str, float]:
        """Expected accuracy of picking any box, and of pointing anywhere."""
        if self.pointing is None:
            return super().chance()
        return {**super().chance(), "chance_pointing_accuracy": float(self.pointing.shares.mean())}

    def comparable(self) -> Sequence[str]:
        """See `Predictions.comparable`."""
        return [*super().comparable(), *self._pointing_parts()]

    def scores_of(self, metric: str) -> ItemScores:
        """See `Predictions.scores_of`."""
        parts = self._pointing_parts()
        if self.pointing is not None and metric in parts:
            return self._hits(self.pointing.right, parts[metric])
        return super().scores_of(metric)

    def _pointing_parts(self) -> dict[str, AnyArray]:
        """The items that each accuracy of pointing is taken over, bool (items,)."""
        if self.pointing is None:
            return {}
        kinds = accuracy_parts(np.array(self.categories, dtype=np.str_))
        return {
            "pointing_accuracy": np.ones(len(self.ids), dtype=np.bool_),
            **{f"pointing_{name}": inside for name, inside in kinds.items()},
        }

    def further_columns(self) -> "dict[str, pa.Array]":
        """`point`, `pointed` (whether it is right) and `right_share` (of the picture), where there are any."""
        return {} if self.pointing is None else self.pointing.to_columns()

    @classmethod
    def fields_of_columns(cls, columns: dict[str, list[Any]]) -> dict[str, Any]:
        """See `ChoicePredictions.fields_of_columns`."""
        return {"pointing": Pointing.from_columns(columns) if "pointed" in columns else None}

    def answers(
        self, place: int, dataset: "Dataset | None" = None, row: int | None = None
    ) -> list[ScoredAnswer]:  # fmt: skip
        """See `Predictions.answers`."""
        scores, number = self.scores[place], number_of(self.ids[place])
        items = [] if dataset is None or row is None else grounding_items(dataset, [row])
        if number >= len(items) or len(items[number].boxes) != len(scores):
            return super().answers(place)
        boxes = items[number].boxes
        texts = [f"box {k + 1}" for k in range(len(boxes))]
        return candidate_answers(scores, self.is_correct[place], texts, boxes)
