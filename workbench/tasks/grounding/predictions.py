"""Predictions of grounding: the scores of every instruction's candidate boxes."""

from typing import ClassVar

from workbench.tasks.choices.predictions import ChoicePredictions


class GroundingPredictions(ChoicePredictions):
    """The more boxes an item has, the harder it is: accuracy is given for each number of boxes, too."""

    by_candidates: ClassVar[bool] = True
