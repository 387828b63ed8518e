"""TDA: two caches of test images that came before, one of sure answers and one of unsure ones.

Karmanov et al., "Efficient Test-Time Adaptation of Vision-Language Models" (CVPR 2024). Each image is put into the
cache of the class that the text gives it, where the least sure one makes room; the positive cache adds, and the
negative one takes away, alpha exp(-beta (1 - cosine)) for each image that it holds. The negative cache takes images of
middling entropy, and speaks of the classes whose probability was not small. Nothing is trained. The settings are those
that their code has for ImageNet.

As in their code the entropy, in nats, is divided by the binary logarithm of the number of classes, and an image is in
the caches when it is answered itself. What differs: the model's own scale makes the logits.
"""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from scipy.special import log_softmax

from adapters._heads.predictors import ArrayFiles
from adapters._unlabelled.start import StartConfig, zero_shot
from workbench.plugin import (
    AnyArray,
    ClassificationRecipe,
    ClassificationTask,
    FloatArray,
    ImageSet,
    Inference,
    OnlinePredictor,
    RecipeConfig,
    TaskModel,
    normalise,
)


class TdaConfig(StartConfig):
    """Settings of `tda`.

    Attributes:
        positive_capacity: Images a class in the positive cache; 0 leaves it out.
        positive_alpha: Weight of the positive cache.
        positive_beta: Sharpness of its affinities.
        negative_capacity: Images a class in the negative cache; 0 leaves it out.
        negative_alpha: Weight of the negative cache.
        negative_beta: Sharpness of its affinities.
        entropy_range: Between these an image goes into the negative cache.
        probability_range: Between these a class is one that the image is said not to be of.
    """

    positive_capacity: int = Field(default=3, ge=0)
    positive_alpha: float = Field(default=2.0, ge=0)
    positive_beta: float = Field(default=5.0, gt=0)
    negative_capacity: int = Field(default=2, ge=0)
    negative_alpha: float = Field(default=0.117, ge=0)
    negative_beta: float = Field(default=1.0, gt=0)
    entropy_range: tuple[float, float] = (0.2, 0.5)
    probability_range: tuple[float, float] = (0.03, 1.0)


class Tda(ClassificationRecipe[TdaConfig]):
    """Compare an image with those that came before it; nothing is trained."""

    Config: ClassVar[type[RecipeConfig]] = TdaConfig
    trains: ClassVar[bool] = False
    unseen: ClassVar[bool] = True
    inference: ClassVar[Inference] = "online"

    def fit(self, task: ClassificationTask) -> "DynamicAdapter":
        """Embed the class names."""
        start = zero_shot(task, self.config)
        arrays = {"text": start.weight, "bias": start.bias}
        return DynamicAdapter(arrays, self.config.model_dump(mode="json", exclude={"prompts"}), scale=start.scale)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> "DynamicAdapter":  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return DynamicAdapter.restore(directory)


class DynamicAdapter(ArrayFiles, OnlinePredictor):
    """Fills the caches as images come, one by one."""

    def __init__(self, arrays: dict[str, FloatArray], settings: dict[str, Any], *, scale: float = 1.0) -> None:
        super().__init__(arrays, settings, scale=scale)
        self.start()

    def start(self) -> None:
        """See `OnlinePredictor.start`."""
        text, own = self.arrays["text"], self.settings
        self._positive = Cache(own["positive_capacity"], text.shape)
        self._negative = Cache(own["negative_capacity"], text.shape)
        self._said = np.zeros((len(text), own["negative_capacity"], len(text)), np.float32)

    def step(self, images: ImageSet) -> FloatArray:
        """See `OnlinePredictor.step`."""
        x = normalise(images.features.projected)
        logits = self.scale * (x @ self.arrays["text"].T) + self.arrays["bias"]
        return np.asarray([self._answer(*own) for own in zip(x, logits, strict=True)], dtype=np.float32)

    def _answer(self, x: FloatArray, logits: FloatArray) -> AnyArray:
        own, n_classes = self.settings, len(logits)
        log_p = log_softmax(logits.astype(np.float64))
        p, guess = np.exp(log_p), int(logits.argmax())
        entropy = float(-(p * log_p).sum())
        self._positive.offer(guess, x, entropy)
        low, high = own["entropy_range"]
        if low < entropy / np.log2(max(2, n_classes)) < high:
            least, most = own["probability_range"]
            place = self._negative.offer(guess, x, entropy)
            if place is not None:
                self._said[guess, place] = (p > least) & (p < most)
        added = own["positive_alpha"] * self._positive.affinities(x, own["positive_beta"]).sum(axis=1)
        near = self._negative.affinities(x, own["negative_beta"]).ravel()
        taken = own["negative_alpha"] * (near @ self._said.reshape(-1, n_classes))
        return np.asarray(logits + added - taken)


class Cache:
    """The surest images of each class.

    Args:
        capacity: Images a class.
        shape: (n_classes, d).
    """

    def __init__(self, capacity: int, shape: tuple[int, ...]) -> None:
        n_classes, d = shape
        self._entropy = np.full((n_classes, capacity), np.inf)
        self._keys = np.zeros((n_classes, capacity, d))

    def offer(self, guess: int, x: AnyArray, entropy: float) -> int | None:
        """Take an image if its class has room, or holds one that is less sure: its place, or None."""
        held = self._entropy[guess]
        if not len(held) or entropy >= held.max():
            return None
        place = int(held.argmax())
        held[place] = entropy
        self._keys[guess, place] = x
        return place

    def affinities(self, x: AnyArray, beta: float) -> AnyArray:
        """exp(-beta (1 - cosine)) of each place, (n_classes, capacity); 0 where it is empty."""
        return np.where(np.isfinite(self._entropy), np.exp(-beta * (1 - self._keys @ x)), 0.0)
