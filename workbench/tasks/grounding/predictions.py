"""Predictions of grounding: the scores of every instruction's candidate boxes."""

from typing import TYPE_CHECKING, ClassVar

from workbench.tasks.choices.answers import candidate_answers, number_of
from workbench.tasks.choices.predictions import ChoicePredictions
from workbench.tasks.examples import ScoredAnswer
from workbench.tasks.grounding.items import grounding_items

if TYPE_CHECKING:
    from workbench.datasets import Dataset


class GroundingPredictions(ChoicePredictions):
    """The more boxes an item has, the harder it is: accuracy is given for each number of boxes, too."""

    by_candidates: ClassVar[bool] = True

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
