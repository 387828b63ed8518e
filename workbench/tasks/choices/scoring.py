"""Scores of candidates by a predictor of either kind."""

import numpy as np

from workbench.arrays import FloatArray
from workbench.errors import RecipeError
from workbench.tasks.choices.candidates import Candidates
from workbench.tasks.choices.pair_scorer import PairScorer
from workbench.tasks.image_text.dual_encoder import DualEncoderPredictor
from workbench.tasks.image_text.task import unit_embeddings

_ORDER = 20_260  # Seeds the orders in which candidates are shown.


def candidate_scores(
    predictor: DualEncoderPredictor | PairScorer, candidates: Candidates, recipe: str
) -> FloatArray:  # fmt: skip
    """Logits of all candidates, float32 (p,); a `PairScorer` is shown them in random orders.

    Args:
        predictor: Scores them.
        candidates: The items.
        recipe: The recipe's name, for errors.

    Raises:
        RecipeError: What it gives does not fit, or is not finite.
    """
    if isinstance(predictor, PairScorer):
        shown, order = candidates.shuffled(_ORDER)
        scores = np.asarray(predictor.scores(shown), dtype=np.float32)
        if scores.shape != (len(order),):
            raise RecipeError(
                f"recipe {recipe!r} gave scores of shape {scores.shape}, expected ({len(order)},): candidates."
            )
        if not np.isfinite(scores).all():
            raise RecipeError(f"recipe {recipe!r} gave scores that are not finite.")
        back = np.empty_like(scores)
        back[order] = scores
        return back
    images, texts = unit_embeddings(predictor, candidates.images, candidates.texts, recipe)
    cosines = np.einsum("pd,pd->p", images[candidates.pairs[:, 0]], texts[candidates.pairs[:, 1]])
    return np.asarray(predictor.scale * cosines + predictor.bias, dtype=np.float32)
