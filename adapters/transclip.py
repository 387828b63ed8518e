"""TransCLIP: a Gaussian mixture over the test images, held to the text and smooth over near images.

Zanella, Gérin and Ben Ayed, "Boosting Vision-Language Models with Transduction" (NeurIPS 2024). Assignments z of test
images, class means mu (of unit norm) and one diagonal covariance sigma are updated in turns: the objective is the
mixture's likelihood, a Laplacian over the three nearest images, and minus KL(z || zero-shot) with weight lambda;
labelled images count with weight gamma. Block updates, numbers of iterations and start are those of
their code: lambda is 1 without labels and 0.5 with some, gamma is chosen on validation, where a validation image has
the assignment of its nearest test image.

`shots` decides: with none it is the zero-shot method, with labelled images the few-shot one.

What differs: all templates make the class embeddings, and the model's own scale the logits; in the Laplacian's matrix
labelled images stand where their labels do, which their code swaps; a class without a labelled image starts as in the
zero-shot method; scores are the logarithms of z.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from scipy.special import log_softmax, softmax

from adapters._heads.predictors import ArrayFiles
from adapters._unlabelled.neighbours import nearest
from adapters._unlabelled.start import StartConfig, zero_shot
from workbench.plugin import (
    AnyArray,
    ClassificationRecipe,
    ClassificationTask,
    FitReport,
    FloatArray,
    ImageSet,
    Inference,
    Predictor,
    RecipeConfig,
    TaskModel,
    TransductivePredictor,
    normalise,
)

_TEMPERATURE = 50.0
"""Of the mixture's part in the assignments, and the weight of labelled images beside gamma; from their code."""
_INNER, _OUTER = 5, 10
_CONFIDENT = 8
_TINY = 1e-12


class TransclipConfig(StartConfig):
    """Settings of `transclip`.

    Attributes:
        neighbours: Of an image in the Laplacian.
        zero_shot_lambda: Weight of the text without labels.
        few_shot_lambda: Weight of the text beside labelled images.
        gammas: Weights of labelled images that validation chooses from.
        default_gamma: Used where there is no validation split.
    """

    neighbours: int = Field(default=3, ge=1)
    zero_shot_lambda: float = Field(default=1.0, ge=0)
    few_shot_lambda: float = Field(default=0.5, ge=0)
    gammas: tuple[float, ...] = Field(default=(0.002, 0.01, 0.02, 0.2), min_length=1)
    default_gamma: float = Field(default=0.02, gt=0)


class Transclip(ClassificationRecipe[TransclipConfig]):
    """Assign test images to classes together; labelled images take part where there are any."""

    Config: ClassVar[type[RecipeConfig]] = TransclipConfig
    zero_shots: ClassVar[bool] = True
    inference: ClassVar[Inference] = "transductive"

    def fit(self, task: ClassificationTask) -> Predictor:
        """Embed the class names, and keep labelled images for when the test images are there."""
        start, few_shot = zero_shot(task, self.config), len(task.train) > 0
        arrays = {"text": start.weight, "bias": start.bias}
        chosen: dict[str, str | float] = {}
        if few_shot:
            arrays |= {"train": _features(task.train.images), "labels": np.asarray(task.train.labels)}
        if few_shot and len(task.val):
            arrays |= {"val": _features(task.val.images), "val_labels": np.asarray(task.val.labels)}
            chosen["gamma"] = "by validation, once the test images are there"
        settings = self.config.model_dump(mode="json")
        notes = ("There is no validation split to choose gamma on: it is the default.",)
        report = FitReport(chosen=chosen, notes=notes if few_shot and not chosen else ())
        predictor = Mixture(arrays, settings, scale=start.scale)
        predictor.report = report
        return predictor

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return Mixture.restore(directory)


class Mixture(ArrayFiles, TransductivePredictor):
    """Fits the mixture on the images that it is asked about."""

    def scores(self, images: ImageSet) -> FloatArray:
        """See `TransductivePredictor`."""
        text = self.arrays["text"]
        if not len(images):
            return np.empty((0, len(text)), np.float32)
        x = _features(images)
        log_text = log_softmax(self.scale * (x @ text.T).astype(np.float64) + self.arrays["bias"], axis=1)
        if "train" not in self.arrays:
            problem = Problem.of(x, log_text, self.settings["zero_shot_lambda"], self.settings["neighbours"])
            return np.asarray(problem.solved(0.0), np.float32)
        shots = LabelledFeatures(self.arrays["train"], self.arrays["labels"].astype(np.int64))
        weight, k = self.settings["few_shot_lambda"], self.settings["neighbours"]
        problem = Problem.of(x, log_text, weight, k, shots)
        if "val" not in self.arrays:
            return np.asarray(problem.solved(self.settings["default_gamma"]), np.float32)
        beside, _ = nearest(self.arrays["val"], x, 1)
        solutions = [problem.solved(gamma) for gamma in self.settings["gammas"]]
        return np.asarray(_best(solutions, beside[:, 0], self.arrays["val_labels"].astype(np.int64)), np.float32)


@dataclass(frozen=True)
class LabelledFeatures:
    """Labelled images: (s, d) features of unit norm, and int64 (s,) labels."""

    x: FloatArray
    labels: AnyArray


@dataclass(frozen=True)
class Problem:
    """What all updates have in common, float64.

    Attributes:
        x: (n, d) features of the test images, of unit norm.
        log_text: (n, n_classes) logarithms of the zero-shot probabilities.
        weight: lambda.
        pull: Sparse (n, n + s): what the Laplacian lets each image take from the assignments of all.
        hot: (s, n_classes) labels of labelled images; s may be 0.
        shots: (s, d) their features.
    """

    x: AnyArray
    log_text: AnyArray
    weight: float
    pull: Any
    hot: AnyArray
    shots: AnyArray

    @classmethod
    def of(
        cls, x: FloatArray, log_text: AnyArray, weight: float, neighbours: int, shots: LabelledFeatures | None = None
    ) -> "Problem":
        """From features of test images and of labelled ones."""
        n_classes = log_text.shape[1]
        labelled = np.empty((0, x.shape[1]), np.float32) if shots is None else shots.x
        hot = np.empty((0, n_classes)) if shots is None else np.eye(n_classes)[shots.labels]
        pull = _pull(x, labelled, neighbours)
        return cls(x.astype(np.float64), log_text, weight, pull, hot, labelled.astype(np.float64))

    def solved(self, gamma: float) -> AnyArray:
        """Logarithms of the assignments, (n, n_classes)."""
        log_z, z = self.log_text, np.exp(self.log_text)
        mean, variance = self._first_means(z), np.full(self.x.shape[1], 1 / self.x.shape[1])
        for step in range(_OUTER + 1):
            likelihood = _log_gaussian(self.x, mean, variance) / _TEMPERATURE
            for _ in range(_INNER):
                smooth = self.pull @ np.concatenate([z, self.hot])
                log_z = log_softmax(self.weight * self.log_text + likelihood + smooth, axis=1)
                z = softmax(log_z, axis=1)
            if step < _OUTER:
                mean, variance = self._moments(z, gamma)
        return log_z

    def _first_means(self, z: AnyArray) -> AnyArray:
        """Of the labelled images of each class; without any, of the test images that are most likely of it."""
        order = np.argsort(-z, axis=0, kind="stable")[:_CONFIDENT]
        weight = np.take_along_axis(z, order, axis=0)
        mean = np.einsum("kc,kcd->cd", weight, self.x[order])
        known = self.hot.sum(axis=0) > 0
        mean[known] = (self.hot.T @ self.shots)[known]
        return _unit(mean)

    def _moments(self, z: AnyArray, gamma: float) -> tuple[AnyArray, AnyArray]:
        """Class means of unit norm, and the variance of each dimension around them."""
        of_test = 1 / len(self.x)
        of_shots = gamma * _TEMPERATURE / max(1, len(self.shots))
        size = of_test * z.sum(axis=0) + of_shots * self.hot.sum(axis=0)
        total = of_test * (z.T @ self.x) + of_shots * (self.hot.T @ self.shots)
        mean = _unit(total / np.maximum(size, _TINY)[:, None])
        squares = of_test * (self.x**2).sum(axis=0) + of_shots * (self.shots**2).sum(axis=0)
        around = squares - 2 * (mean * total).sum(axis=0) + (size[:, None] * mean**2).sum(axis=0)
        return mean, np.maximum(around / size.sum(), _TINY)


def _pull(x: FloatArray, shots: FloatArray, neighbours: int) -> Any:
    """(W + W') / (2 k) of the rows of test images, where W joins every image with its nearest test images."""
    from scipy.sparse import coo_array

    n, s = len(x), len(shots)
    own, cosine = nearest(x, x, neighbours, same=True)
    others, shot_cosine = nearest(shots, x, neighbours)
    rows = np.concatenate([np.repeat(np.arange(n), own.shape[1]), np.repeat(n + np.arange(s), others.shape[1])])
    columns = np.concatenate([own.ravel(), others.ravel()])
    values = np.concatenate([cosine.ravel(), shot_cosine.ravel()]).astype(np.float64)
    near = coo_array((np.maximum(values, 0), (rows, columns)), shape=(n + s, n + s)).tocsr()
    return ((near + near.T) / (2 * neighbours)).tocsr()[:n]


def _log_gaussian(x: AnyArray, mean: AnyArray, variance: AnyArray) -> AnyArray:
    """-(x - mu)' diag(1 / sigma) (x - mu) / 2, (n, n_classes)."""
    scaled = mean / variance
    parts = (x**2) @ (1 / variance)[:, None] - 2 * x @ scaled.T + (mean * scaled).sum(axis=1)
    return np.asarray(-parts / 2)


def _best(solutions: Sequence[AnyArray], beside: AnyArray, labels: AnyArray) -> AnyArray:
    """The solution by which most validation images have the class of their nearest test image; of equals the first."""
    return max(solutions, key=lambda log_z: (log_z[beside].argmax(axis=1) == labels).mean())


def _features(images: ImageSet) -> FloatArray:
    return normalise(images.features.projected)


def _unit(rows: AnyArray) -> AnyArray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _TINY))
