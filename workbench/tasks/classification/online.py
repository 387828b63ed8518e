"""Predictors that see images as a stream, and the orders in which the engine shows them.

Accuracy of one order may be luck, so that three are measured. Calibration is measured beside it, as Sheng et al., "The
Illusion of Progress? A Critical Look at Test-Time Adaptation for Vision-Language Models" (2025) ask for: adapting to a
model's own answers makes it surer than it is right.
"""

from abc import ABC, abstractmethod

import numpy as np

from workbench.arrays import FloatArray, IntArray
from workbench.errors import RecipeError
from workbench.images import ImageSet
from workbench.recipes import Fitted

ORDERS = 3
"""Orders of the test images in which an online predictor is asked; the first one's answers are the run's."""
_SEED = 2024


class OnlinePredictor(Fitted, ABC):
    """Scores images in the order in which they come, and may learn from each batch, which has no labels.

    Attributes:
        batch_size: Images that come at a time.
    """

    batch_size: int = 1

    @abstractmethod
    def start(self) -> None:
        """Forget all images: a new stream begins."""

    @abstractmethod
    def step(self, images: ImageSet) -> FloatArray:
        """Logits of the next images, (len(images), n_classes), given before any later image is seen."""


def stream_orders(count: int) -> list[IntArray]:
    """The orders of a test split of so many images, the same for every recipe: `ORDERS` permutations."""
    return [np.random.default_rng([_SEED, number]).permutation(count) for number in range(ORDERS)]


def stream_scores(predictor: OnlinePredictor, images: ImageSet, order: IntArray) -> FloatArray:
    """Scores of a stream from its beginning, float32 (n, n_classes), in the order of `images`.

    Args:
        predictor: Is started anew.
        images: n images.
        order: int64 (n,), the position in `images` of each image of the stream.

    Raises:
        RecipeError: A step's scores do not fit its images.
    """
    predictor.start()
    parts = []
    for first in range(0, len(order), predictor.batch_size):
        batch = order[first : first + predictor.batch_size]
        scores = np.asarray(predictor.step(images.subset(batch)), dtype=np.float32)
        if scores.ndim != 2 or len(scores) != len(batch):
            name, expected = type(predictor).__name__, f"({len(batch)}, classes)"
            raise RecipeError(f"{name}.step gave scores of shape {scores.shape}, expected {expected}.")
        parts.append(scores)
    if not parts:
        return np.empty((0, 0), dtype=np.float32)
    streamed = np.concatenate(parts)
    scores = np.empty_like(streamed)
    scores[order] = streamed
    return scores
