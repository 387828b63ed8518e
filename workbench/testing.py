"""Planted tasks for testing recipes: features with known classes, without a model or images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, FloatArray, normalise
from workbench.datasets.prompts import ClassPrompts
from workbench.images import Features, ImageSet
from workbench.tasks import ClassificationTask, LabelledImages

if TYPE_CHECKING:
    from PIL.Image import Image

    from workbench.models import LoadedModel


class PlantedModel:
    """A model without weights: a text's feature is its class's text prototype.

    A text belongs to the class whose name it contains; other texts get the zero vector.

    Args:
        class_names: Names, none of which contains another.
        prototypes: (n_classes, d).
    """

    name = "planted"
    fingerprint = "planted"
    precision = "fp32"
    logit_scale = 100.0
    logit_bias = 0.0

    def __init__(self, class_names: Sequence[str], prototypes: FloatArray) -> None:
        self._names = list(class_names)
        self._prototypes = prototypes
        self.embed_dim = self.pooled_dim = prototypes.shape[1]

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `TaskModel.encode_texts`."""
        features = np.zeros((len(texts), self.embed_dim), dtype=np.float32)
        for i, text in enumerate(texts):
            for name, prototype in zip(self._names, self._prototypes, strict=True):
                if name in text:
                    features[i] = prototype
        return features

    def load(self) -> "LoadedModel":
        """Raises: a recipe that reads features must not ask for a network."""
        raise AssertionError("a planted model has no network to load")


def planted_task(
    n_classes: int = 5,
    shots: int = 16,
    *,
    dim: int = 32,
    noise: float = 0.7,
    text_noise: float = 1.0,
    val_shots: int = 4,
    test_size: int = 40,
    seed: int = 0,
    unseen: int = 0,
) -> tuple[ClassificationTask, LabelledImages]:
    """A classification task with Gaussian classes, and a test split for the caller alone.

    Args:
        n_classes: Number of classes.
        shots: Training images a class.
        dim: Width of the features.
        noise: Spread of images around their class's prototype, relative to the prototypes' spread.
        text_noise: Distance of the text prototypes from the image prototypes; 0 makes text perfect.
        val_shots: Validation images a class; 0 for none.
        test_size: Test images a class.
        seed: Seeds everything.
        unseen: Classes, the last ones, that test alone has.

    Returns:
        The task as a recipe gets it, and the test images with labels.
    """
    rng = np.random.default_rng(seed)
    prototypes = rng.normal(size=(n_classes, dim)).astype(np.float32)
    names = tuple(f"class-{chr(97 + c // 26)}{chr(97 + c % 26)}" for c in range(n_classes))
    text = normalise(prototypes + text_noise * rng.normal(size=prototypes.shape).astype(np.float32))

    def images(per_class: int, classes: int = n_classes - unseen) -> LabelledImages:
        labels = np.repeat(np.arange(classes), per_class)
        x = (prototypes[labels] + noise * rng.normal(size=(len(labels), dim))).astype(np.float32)
        return LabelledImages(feature_images(Features(x, x.copy())), labels)

    train, val, test = images(shots), images(val_shots), images(test_size, n_classes)
    task = ClassificationTask(
        dataset="planted",
        class_names=names,
        prompts=ClassPrompts(names, ("a photo of a {}.", "a picture of {}.")),
        train=train,
        val=val,
        model=PlantedModel(names, text),
        multi_label=False,
        shots=shots,
        seed=seed,
        device="cpu",
        unseen=tuple(range(n_classes - unseen, n_classes)),
    )
    return task, test


def feature_images(features: Features) -> ImageSet:
    """Images that have features and no pixels."""
    return ImageSet(len(features), lambda: features, _no_pixels)


def one_hot(labels: AnyArray, n_classes: int) -> AnyArray:
    """Single labels as multi-label ones, bool (n, n_classes)."""
    hot: AnyArray = np.arange(n_classes) == labels[:, None]
    return hot


def _no_pixels(index: int) -> "Image":
    raise AssertionError(f"planted image {index} has no pixels: a recipe that reads features must not decode")
