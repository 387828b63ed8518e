"""EM-Dirichlet: a mixture of Dirichlet distributions over the zero-shot probabilities of the test images.

Martin et al., "Transductive Zero-Shot and Few-Shot CLIP" (CVPR 2024). An image is its vector of zero-shot probabilities
(temperature 30), a class a Dirichlet distribution over such vectors. Assignments and parameters are updated in turns; a
penalty of weight lambda = (K / K_eff) |Q| on the logarithms of class shares favours few classes, where K_eff is the
number of classes that the images are expected to be of. A Dirichlet's parameters are updated by the paper's
majorise-minimise steps, which keep them positive.

`shots` decides: with labelled images these belong to their classes for certain. Without, clusters are matched to
classes one to one at the end, by the mean probabilities of each cluster's images. The settings are those of their code.

What differs: all templates make the class embeddings; labelled images need not be equally many in each class; steps end
class by class, not for all at once; scores are the logarithms of the assignments. Each step takes the time of n_classes
squared: twenty turns of a thousand steps are minutes at 100 classes; `inner_iterations` bounds them.
"""

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax

from adapters._heads.predictors import ArrayFiles
from adapters._unlabelled.start import StartConfig, zero_shot
from workbench.plugin import (
    AnyArray,
    ClassificationRecipe,
    ClassificationTask,
    FloatArray,
    ImageSet,
    Inference,
    Predictor,
    RecipeConfig,
    TaskModel,
    TransductivePredictor,
    normalise,
)

_EPS = 1e-15
_ABSENT = -10.0
"""Mean logarithm of a class without images, from their code."""
_CHECKED = 50
_CONVERGED = 1e-11


class EmDirichletConfig(StartConfig):
    """Settings of `em-dirichlet`.

    Attributes:
        temperature: Multiplier of the cosines in an image's probabilities.
        effective_classes: Number of classes that the test images are expected to be of; None expects all of them.
        iterations: Turns of assignments and parameters.
        inner_iterations: Most steps of the parameters in a turn.
    """

    temperature: float = Field(default=30.0, gt=0)
    effective_classes: int | None = Field(default=None, ge=1)
    iterations: int = Field(default=20, ge=1)
    inner_iterations: int = Field(default=1000, ge=1)


class EmDirichlet(ClassificationRecipe[EmDirichletConfig]):
    """Cluster test images by what the text says of them; labelled images take part where there are any."""

    Config: ClassVar[type[RecipeConfig]] = EmDirichletConfig
    zero_shots: ClassVar[bool] = True
    inference: ClassVar[Inference] = "transductive"

    def fit(self, task: ClassificationTask) -> Predictor:
        """Embed the class names, and keep labelled images for when the test images are there."""
        arrays = {"text": zero_shot(task, self.config).weight}
        if len(task.train):
            arrays["train"] = normalise(task.train.images.features.projected)
            arrays["labels"] = np.asarray(task.train.labels)
        return DirichletMixture(arrays, self.config.model_dump(mode="json", exclude={"prompts"}))

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return DirichletMixture.restore(directory)


class DirichletMixture(ArrayFiles, TransductivePredictor):
    """Fits the mixture on the images that it is asked about."""

    def scores(self, images: ImageSet) -> FloatArray:
        """See `TransductivePredictor`."""
        n_classes = len(self.arrays["text"])
        if not len(images):
            return np.empty((0, n_classes), np.float32)
        query = self._probabilities(normalise(images.features.projected))
        support, hot = np.empty((0, n_classes)), np.empty((0, n_classes))
        if "train" in self.arrays:
            support = self._probabilities(self.arrays["train"])
            hot = np.eye(n_classes)[self.arrays["labels"].astype(np.int64)]
        favour = max(1, n_classes // (self.settings["effective_classes"] or n_classes))
        given, of_shots, labels = (torch.from_numpy(own) for own in (query, support, hot))
        turns, steps = self.settings["iterations"], self.settings["inner_iterations"]
        with torch.no_grad():
            log_u = assignments(given, of_shots, labels, favour, turns, steps).numpy()
        return np.asarray(log_u if len(hot) else matched(log_u, query), dtype=np.float32)

    def _probabilities(self, x: FloatArray) -> AnyArray:
        cosines = (x @ self.arrays["text"].T).astype(np.float64)
        return np.asarray(softmax(self.settings["temperature"] * cosines, axis=1))


def assignments(
    query: torch.Tensor, support: torch.Tensor, hot: torch.Tensor, favour: float, iterations: int, inner: int
) -> torch.Tensor:
    """Logarithms of the assignments of test images, (n, n_classes), float64.

    Args:
        query: (n, n_classes) probabilities of test images.
        support: (s, n_classes) those of labelled images; s may be 0.
        hot: (s, n_classes) their labels.
        favour: K / K_eff, the weight of the penalty for many classes.
        iterations: Turns.
        inner: Most steps of the parameters in a turn.
    """
    n_classes = query.shape[1]
    alpha = torch.ones(n_classes, n_classes, dtype=query.dtype)
    log_query, log_support = (query + _EPS).log(), (support + _EPS).log()
    u = query
    log_u = u.clamp(min=_EPS).log()
    for _ in range(iterations):
        size = u.sum(dim=0) + hot.sum(dim=0)
        there = (size > _EPS)[:, None]
        mean_log = (u.T @ log_query + hot.T @ log_support) / size.clamp(min=_EPS)[:, None]
        mean_log = torch.where(there, mean_log, torch.full_like(mean_log, _ABSENT))
        alpha = torch.where(there, dirichlet(alpha, mean_log, inner), alpha)
        share = (u.mean(dim=0) + _EPS).log() + 1
        norm = torch.lgamma(alpha.sum(dim=1)) - torch.lgamma(alpha).sum(dim=1)
        log_u = (norm + log_query @ (alpha - 1).T + favour * share).log_softmax(dim=1)
        u = log_u.exp()
    return log_u


def dirichlet(alpha: torch.Tensor, mean_log: torch.Tensor, steps: int) -> torch.Tensor:
    """Parameters of Dirichlet distributions, (k, d), moved towards maximum likelihood, all at once.

    Args:
        alpha: (k, d) where to start, positive.
        mean_log: (k, d) mean logarithms of each distribution's vectors.
        steps: Most steps; a distribution's end when they change its squared parameters by less than 1e-11 of their sum.
    """
    at_zero = torch.polygamma(1, torch.ones((), dtype=alpha.dtype))
    found, rows = alpha.clone(), torch.arange(len(alpha))
    for step in range(steps):
        slope = torch.digamma(alpha + 1)
        bound = (2 * (torch.lgamma(alpha + 1) - slope * alpha) / alpha**2).abs()
        curvature = torch.where(alpha > _CONVERGED, bound, at_zero)
        linear = slope - torch.digamma(alpha.sum(dim=1, keepdim=True)) - curvature * alpha - mean_log
        moved = (-linear + (linear**2 + 4 * curvature).sqrt()) / (2 * curvature)
        change = (moved - alpha).square().sum(dim=1) / alpha.square().sum(dim=1)
        alpha = moved
        if step > 0 and step % _CHECKED == 0:
            found[rows] = alpha
            left = change >= _CONVERGED
            alpha, mean_log, rows = alpha[left], mean_log[left], rows[left]
            if not len(rows):
                return found
    found[rows] = alpha
    return found


def matched(log_u: AnyArray, query: AnyArray) -> AnyArray:
    """Assignments whose clusters were given to classes one to one, those with images first.

    Args:
        log_u: (n, n_classes) logarithms of assignments to clusters.
        query: (n, n_classes) zero-shot probabilities.
    """
    cluster = log_u.argmax(axis=1)
    used = np.unique(cluster)
    means = np.stack([query[cluster == c].mean(axis=0) for c in used])
    _, classes = linear_sum_assignment(-means)
    order = np.empty(log_u.shape[1], dtype=np.int64)
    order[classes] = used
    rest = np.setdiff1d(np.arange(log_u.shape[1]), classes)
    order[rest] = np.setdiff1d(np.arange(log_u.shape[1]), used)
    return log_u[:, order]
