"""Predictions of grounding: the scores of every instruction's candidate boxes."""

from typing import ClassVar

from workbench.tasks.choices.predictions import ChoicePredictions


class GroundingPredictions(ChoicePredictions):
    """The more boxes there are, the harder it is to pick the right one: accuracy is given by their number, too."""

    by_candidates: ClassVar[bool] = True
