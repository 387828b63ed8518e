"""The predictor for matching and grounding whose score of a pair is no product of two embeddings."""

from abc import ABC, abstractmethod

from workbench.arrays import FloatArray
from workbench.recipes import Fitted
from workbench.tasks.choices.candidates import Candidates


class PairScorer(Fitted, ABC):
    """Scores pairs of image and text, with all of an item's candidates in view.

    An item's scores do not depend on the other items that it comes with. Where the score says true or false, 0 divides
    them.
    """

    @abstractmethod
    def scores(self, candidates: Candidates) -> FloatArray:
        """Logits of all candidates, shape (len(candidates.pairs),)."""
