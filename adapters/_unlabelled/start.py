"""What recipes without labels start from: the zero-shot classifier."""

from typing import Literal

import numpy as np

from adapters.zero_shot import ZeroShot, ZeroShotConfig
from workbench.plugin import AnyArray, ClassificationTask, FloatArray, LinearClassifier, RecipeConfig


class StartConfig(RecipeConfig):
    """Settings of a recipe that starts from text.

    Attributes:
        prompts: The sentences about each class, as in `zero-shot`.
    """

    prompts: Literal["single", "ensemble", "descriptions", "mix"] = "ensemble"


def zero_shot(task: ClassificationTask, config: StartConfig) -> LinearClassifier:
    """The zero-shot classifier: (n_classes, d) class embeddings of unit norm, the model's scale and bias."""
    return ZeroShot(ZeroShotConfig(prompts=config.prompts)).fit(task)


def log_of_share(values: AnyArray, spread: float = 1e-3) -> FloatArray:
    """Logits of non-negative scores: the logarithm of each class's share of an image's sum.

    A thousandth is divided equally among all classes, so that probabilities are defined where a share is 0.

    Args:
        values: (n, n_classes), not negative.
        spread: The part that is divided equally.
    """
    total = values.sum(axis=1, keepdims=True)
    share = np.divide(values, total, out=np.full_like(values, 1 / values.shape[1]), where=total > 0)
    return np.asarray(np.log((1 - spread) * share + spread / values.shape[1]), dtype=np.float32)
