"""Label propagation from class names over a graph of images without labels (ZLaP).

Stojnic et al., "Label Propagation for Zero-shot Classification with Vision-Language Models" (CVPR 2024): each image is
joined with its k nearest images, by their cosine, and with its k nearest classes, by the cosine to the power of gamma,
which makes up for the modality gap; with the symmetrically normalised adjacency S, scores are
Z = (I - alpha S)^-1 Y, where Y marks the classes' own nodes (Zhou et al., "Learning with Local and Global Consistency",
NeurIPS 2003). k, gamma and alpha are those of their code, where k counts the image itself.

With `pool = "test"` the graph is over the test images (transductive). With `pool = "unlabelled"` it is over the
unlabelled images, and a test image's scores are the weighted sum of those of its neighbours (their inductive method,
without the sparsification of Z).

What differs: the linear system is solved by fixed-point iteration instead of conjugate gradients; and scores are
logarithms of shares, which changes no ranks, so that probabilities are defined.
"""

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from adapters._heads.predictors import ArrayFiles, SavedArrays
from adapters._unlabelled.neighbours import nearest
from adapters._unlabelled.start import StartConfig, log_of_share, zero_shot
from workbench.plugin import (
    AnyArray,
    ClassificationRecipe,
    ClassificationTask,
    FloatArray,
    ImageSet,
    Inference,
    Predictor,
    RecipeConfig,
    RecipeError,
    TaskModel,
    TransductivePredictor,
    normalise,
)

_TOLERANCE = 1e-10


class LabelPropagationConfig(StartConfig):
    """Settings of `label-propagation`.

    Attributes:
        pool: Images of the graph: `test`, all test images together, or `unlabelled`, those given without labels.
        neighbours: k, of images, the image itself included, and of classes.
        gamma: Power of the cosines between images and classes.
        alpha: Weight of neighbours against the class names, 0..1.
    """

    pool: Literal["test", "unlabelled"] = "test"
    neighbours: int = Field(default=5, ge=2)
    gamma: float = Field(default=5.0, gt=0)
    alpha: float = Field(default=0.3, gt=0, lt=1)


class LabelPropagation(ClassificationRecipe[LabelPropagationConfig]):
    """Let images that are alike agree on their class; nothing is trained."""

    Config: ClassVar[type[RecipeConfig]] = LabelPropagationConfig
    trains: ClassVar[bool] = False
    inference: ClassVar[Inference] = "transductive"

    @classmethod
    def inference_of(cls, config: LabelPropagationConfig) -> Inference:
        """See `Recipe.inference_of`."""
        return "transductive" if config.pool == "test" else "inductive"

    @classmethod
    def uses_unlabelled(cls, config: LabelPropagationConfig) -> bool:
        """See `Recipe.uses_unlabelled`."""
        return config.pool == "unlabelled"

    def fit(self, task: ClassificationTask) -> Predictor:
        """Embed the class names; with a pool of its own, propagate over it."""
        text = zero_shot(task, self.config).weight
        settings = self.config.model_dump(include={"neighbours", "gamma", "alpha"})
        if self.config.pool == "test":
            return PropagatedTogether({"text": text}, settings)
        if task.unlabelled is None or not len(task.unlabelled):
            raise RecipeError('label-propagation: pool = "unlabelled" needs unlabelled images, and there are none.')
        pool = normalise(task.unlabelled.features.projected)
        spread = propagated(pool, text, **settings)
        return PropagatedFromPool({"text": text, "pool": pool, "propagated": spread}, settings)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        found = ArrayFiles.restore(directory)
        kind = PropagatedFromPool if "pool" in found.arrays else PropagatedTogether
        return kind(found.arrays, found.settings, scale=found.scale)


class PropagatedTogether(ArrayFiles, TransductivePredictor):
    """Propagates over the test images."""

    def scores(self, images: ImageSet) -> FloatArray:
        """See `TransductivePredictor`."""
        if not len(images):
            return np.empty((0, len(self.arrays["text"])), np.float32)
        text = self.arrays["text"]
        return log_of_share(propagated(normalise(images.features.projected), text, **self.settings)[len(text) :])


class PropagatedFromPool(SavedArrays):
    """Takes the scores of an image from its neighbours in the unlabelled pool, and from its nearest classes."""

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        x, (text, spread) = self.features(images, "projected"), (self.arrays["text"], self.arrays["propagated"])
        k, gamma = self.settings["neighbours"], self.settings["gamma"]
        scores = np.zeros((len(x), len(text)))
        for keys, offset, power in ((self.arrays["pool"], len(text), 1.0), (text, 0, gamma)):
            near, cosine = nearest(x, keys, k)
            weight = np.maximum(cosine, 0).astype(np.float64) ** power
            for j in range(near.shape[1]):
                scores += weight[:, j, None] * spread[offset + near[:, j]]
        return log_of_share(scores)


def propagated(x: FloatArray, text: FloatArray, *, neighbours: int, gamma: float, alpha: float) -> AnyArray:
    """Z of the classes' and the images' nodes, float64 (n_classes + n, n_classes).

    Args:
        x: (n, d) features of unit norm.
        text: (n_classes, d) class embeddings of unit norm.
        neighbours: k.
        gamma: Power of the cosines between images and classes.
        alpha: Weight of neighbours.
    """
    n_classes, normalised = len(text), _normalised(_adjacency(x, text, neighbours, gamma))
    marked = np.zeros((n_classes + len(x), n_classes))
    marked[:n_classes] = np.eye(n_classes)
    scores = marked
    # The spectral radius of S is at most 1, so that what is still to come shrinks by alpha with each step.
    for _ in range(int(np.ceil(np.log(_TOLERANCE) / np.log(alpha)))):
        scores = alpha * (normalised @ scores) + marked
    return scores


def _adjacency(x: FloatArray, text: FloatArray, neighbours: int, gamma: float) -> Any:
    """W + W', sparse and float64: the classes' nodes come first."""
    from scipy.sparse import coo_array

    n_classes, n = len(text), len(x)
    to_images, image_cosine = nearest(x, x, neighbours - 1, same=True)
    to_classes, class_cosine = nearest(x, text, neighbours)
    columns = np.hstack([to_images + n_classes, to_classes])
    weights = np.hstack([np.maximum(image_cosine, 0.0), np.maximum(class_cosine, 0.0).astype(np.float64) ** gamma])
    rows = np.repeat(np.arange(n) + n_classes, columns.shape[1])
    size = n_classes + n
    directed = coo_array((weights.ravel().astype(np.float64), (rows, columns.ravel())), shape=(size, size)).tocsr()
    return (directed + directed.T).tocsr()


def _normalised(adjacency: Any) -> Any:
    """D^-1/2 W D^-1/2; a node without edges keeps none."""
    from scipy.sparse import diags_array

    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    half = diags_array(1 / np.sqrt(np.where(degree == 0, 1, degree)))
    return (half @ adjacency @ half).tocsr()
