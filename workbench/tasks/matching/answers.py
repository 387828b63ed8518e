"""What a run of matching answers for images and texts that come without truth."""

from collections.abc import Sequence

import numpy as np

from workbench.errors import RecipeError
from workbench.images import ImageSet
from workbench.metrics.functional import sigmoid, softmax
from workbench.recipes import Fitted
from workbench.tasks.choices.candidates import Candidates
from workbench.tasks.choices.pair_scorer import PairScorer
from workbench.tasks.choices.scoring import candidate_scores
from workbench.tasks.image_text.dual_encoder import DualEncoderPredictor
from workbench.tasks.image_text.ranked import ranked_texts
from workbench.tasks.matching.card import Form
from workbench.tasks.task import Answer


def matching_answers(
    predictor: Fitted, images: ImageSet, texts: Sequence[str], form: Form, top: int
) -> list[Answer]:  # fmt: skip
    """Each text with each image.

    Where the run was about statements, the `texts` in their order, the `probabilities` that they are true, and whether
    they are `true`: a logit of at least 0, which validation placed. Else the text that fits best first, with
    `probabilities` among those given.

    Args:
        predictor: Restored.
        images: The images.
        texts: All different.
        form: The form of the run's items.
        top: Number of texts to name for an image; of statements all are named.
    """
    if not isinstance(predictor, DualEncoderPredictor | PairScorer):
        raise RecipeError(f"a {type(predictor).__name__} matches no texts.")
    count = len(texts)
    owner, text = np.repeat(np.arange(len(images)), count), np.tile(np.arange(count), len(images))
    item = np.arange(len(owner)) if form == "statement" else owner
    candidates = Candidates(images, tuple(texts), np.column_stack([owner, text]), item)
    scores = candidate_scores(predictor, candidates, type(predictor).__name__).reshape(len(images), count)
    if form != "statement":
        return [ranked_texts(texts, "probabilities", chances, top) for chances in softmax(scores)]
    return [
        {
            "texts": tuple(texts),
            "probabilities": tuple(round(float(chance), 6) for chance in sigmoid(image_scores)),
            "true": tuple(bool(score >= 0) for score in image_scores),
        }
        for image_scores in scores
    ]
