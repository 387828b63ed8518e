"""ProLIP: fine-tune the projection of image features into the joint space, held near the pretrained one.

Fahes et al., "CLIP's Visual Embedding Projector is a Few-shot Cornucopia" (2025): the projection W, started at the
pretrained W0, minimises cross-entropy of scaled cosines with the class embeddings plus lambda ||W - W0||^2 (Frobenius),
by Adam with a cosine schedule; lambda is 1 / shots where there is nothing to choose on. Pooled features, which the
projection reads, are stored, so that no network is needed.

What is learned is the difference D = W - W0, added as pooled @ D to the stored projected features, so that W0 need not
be known: the same as learning W where the projection is a matrix, with a bias or without (CLIP's vision transformers
and ResNets, timm towers with a linear head). Behind a projection that is no matrix (an MLP), or none, it is a linear
map beside it.

Differences: quick training moves D within the span of the training images, which the gradient never leaves, takes
fewer and larger full-batch steps at a rate relative to the features' lengths, and chooses lambda and step on
validation, where the published code chooses lambda and rate; Adam's second moment there is that of the whole gradient's
norm, so that steps do not depend on the basis; images are not augmented, because features come from the cache.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from adapters._heads.batches import PaddedImages, TaskBatch, batch_tasks
from adapters._heads.choice import SearchGrid, Setting, quality
from adapters._heads.config import HeadConfig
from adapters._heads.images import Images
from adapters._heads.minibatches import Budget, Epochs, run_epochs
from adapters._heads.predictors import Space, TextScored, as_float32
from adapters._heads.recipe import HeadRecipe
from adapters._heads.span import span
from adapters._heads.sweep import SweepResult
from adapters._heads.training import Adam, Parameters, TrainedHeads, cross_entropy, descend
from adapters._presets import PresetConfig
from workbench.plugin import (
    AnyArray,
    CosineHead,
    FloatArray,
    Head,
    ImageSet,
    Predictor,
    RecipeConfig,
    TaskModel,
    normalise,
)


class ProlipConfig(HeadConfig, PresetConfig):
    """Settings of `prolip`.

    The preset `paper` is the published way without validation: Adam with epsilon 1e-4 for 300 full-batch steps at
    1e-5, the penalty 1 / shots, and the last step.

    Attributes:
        strengths: Multipliers of the penalty 1 / shots.
        learning_rate: Adam's, at the first step: `quick`'s is how far an image's features move, relative to their
            length; `paper`'s is that of the projection's entries.
        steps: Full-batch steps at most; validation chooses how many.
        default_steps: Used, with strength 1, where there is nothing to choose on.
    """

    paper: ClassVar[Mapping[str, Any]] = {"strengths": (1.0,), "learning_rate": 1e-5, "steps": 300}

    strengths: tuple[float, ...] = Field(default=(1.0, 0.1, 0.01), min_length=1)
    learning_rate: float = Field(default=1e-2, gt=0)
    steps: int = Field(default=80, gt=0)
    default_steps: int = Field(default=40, ge=0)


class Prolip(HeadRecipe[ProlipConfig]):
    """Train the projection of image features."""

    Config: ClassVar[type[RecipeConfig]] = ProlipConfig
    spaces: ClassVar[tuple[Space, ...]] = ("pooled",)
    unseen: ClassVar[bool] = True
    scores_by_text: ClassVar[bool] = True

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"strength": self.config.strengths}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        if self.config.preset == "paper":
            return {"strength": self.config.strengths[0]}
        return {"strength": 1.0, "steps": self.config.default_steps}

    def settled(self) -> bool:
        """See `HeadRecipe.settled`."""
        return self.config.preset == "paper" and len(self.config.strengths) == 1

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        fit = _Fit(batch, grid["strength"], whole=self.config.preset == "paper")
        trained = self._train(fit, batch, grid)
        learned = trained.parameters[0]

        def build(i: int, j: int) -> "ProjectedAnew":
            text = batch.scale[i] * batch.text[i]
            return ProjectedAnew(
                {"difference": as_float32(fit.basis[i] @ learned[i, j]), "text_weight": as_float32(text)},
                {"logit_bias": batch.shots[i].task.model.logit_bias},
                scale=float(batch.scale[i]),
            )

        return SweepResult(
            trained.accuracy,
            trained.nll,
            build,
            parameters=lambda _: batch.train.x.shape[2] * batch.text.shape[2],
            fitted_values=lambda i, j: {"steps": int(trained.steps[i, j])},
            curves=trained.curves,
        )

    def _train(self, fit: "_Fit", batch: TaskBatch, grid: SearchGrid) -> TrainedHeads:
        config = self.config
        if config.preset == "paper":
            budgets = [Budget(config.steps, max(fit.train.x.shape[1], 1), "adam", epsilon=1e-4)] * len(batch)
            epochs = Epochs(
                fit.train, batch.seeds, budgets, config.learning_rate, lambda parameters, _: fit.loss(parameters)
            )
            return run_epochs(epochs, (fit.start,), fit.assess)
        # Each image spans a direction of its own, as long as there are more directions than images.
        directions = batch.train.count.clamp(max=batch.train.x.shape[2])
        rate = (config.learning_rate * directions.sqrt() / fit.ratio)[:, None].expand(fit.start.shape[:2])
        return descend(
            (fit.start,),
            Adam(fit.loss, learning_rate=rate, steps=config.steps, by_norm=True),
            fit.assess,
            steps=config.steps,
            every=5,
            selection=config.selection,
            stop_at=grid.axes.get("steps"),
        )

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return ProjectedAnew.restore(directory)


class _Fit:
    """Features of a batch as the projection needs them: not normalised.

    Args:
        batch: Tasks with pooled features.
        strength: (b, h).
        whole: Learn the whole matrix; otherwise in the span of the training images.

    Attributes:
        train: Pooled features divided by the length of the projected ones.
        basis: (b, d_pooled, r), the basis of the learned coordinates.
        start: (b, h, r, d) zeros.
        ratio: (b,) mean length of pooled features, relative to projected ones.
    """

    def __init__(self, batch: TaskBatch, strength: Tensor, *, whole: bool) -> None:
        self._text = (batch.scale[:, None, None] * batch.text)[:, None].mT
        self._penalty = strength / torch.tensor(batch.images_a_class, device=strength.device)[:, None]
        projected = batch_tasks(batch.shots, "projected")
        self._start = projected.train.x, projected.val.x
        parts = [shot.train for shot in batch.shots], [shot.val for shot in batch.shots]
        train, val = (
            _scaled(part, _ratios(images, part))
            for part, images in zip((batch.train, batch.val), parts, strict=True)
        )  # fmt: skip
        self.ratio = train.x.norm(dim=2).sum(dim=1) / train.count
        if whole:
            d = train.x.shape[2]
            self.basis = torch.eye(d, dtype=train.x.dtype, device=train.x.device).expand(len(batch), d, d)
        else:
            reduced = span(train, val, centre=False)
            self.basis = reduced.basis
            train, val = _with(train, reduced.train), _with(val, reduced.val)
        self.train, self._val = train, val
        self.start = train.x.new_zeros(len(batch), strength.shape[1], train.x.shape[2], self._text.shape[2])

    def loss(self, parameters: Parameters) -> Tensor:
        """Cross-entropy and penalty, (b, h)."""
        logits = self._logits(parameters[0], self.train.x, self._start[0])
        fitted = cross_entropy(logits, self.train.target, self.train.count)
        return fitted + self._penalty * parameters[0].square().sum(dim=(2, 3))

    def assess(self, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """Accuracy and negative log-likelihood on validation, (b, h) each."""
        logits = self._logits(parameters[0], self._val.x, self._start[1])
        return quality(logits, self._val.target, self._val.mask)

    def _logits(self, difference: Tensor, pooled: Tensor, start: Tensor) -> Tensor:
        return F.normalize(start[:, None] + pooled[:, None] @ difference, dim=3) @ self._text


def _ratios(images: Sequence[Images], part: PaddedImages) -> Tensor:
    """Length of pooled features relative to projected ones, (b, n); 0 in padding."""
    ratios = torch.zeros_like(part.mask)
    for i, task_images in enumerate(images):
        ratios[i, : len(task_images)] = task_images.lengths[:, 0] / task_images.lengths[:, 1].clamp(min=1e-12)
    return ratios


def _scaled(part: PaddedImages, factor: Tensor) -> PaddedImages:
    return _with(part, part.x * factor[..., None])


def _with(part: PaddedImages, x: Tensor) -> PaddedImages:
    return PaddedImages(x, part.target, part.mask, part.text_logits)


class ProjectedAnewHead(CosineHead):
    """`ProjectedAnew`, for export.

    Args:
        weight: (n_classes, d), scaled.
        bias: (n_classes,).
        difference: (d_pooled, d).
    """

    difference: Tensor

    def __init__(self, weight: AnyArray, bias: AnyArray, difference: AnyArray) -> None:
        super().__init__(weight, bias)
        self.keep(difference=difference)

    def embed(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """See `CosineHead.embed`."""
        return projected + pooled @ self.difference

    def embedding(self, prefix: str) -> list[str]:
        """See `CosineHead.embedding`."""
        return [f"embedded = projected + pooled @ head['{prefix}difference']"]


class ProjectedAnew(TextScored):
    """Scaled cosines of `projected + pooled @ difference` with the class embeddings."""

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        features = images.features
        moved = normalise(features.projected + features.pooled @ self.arrays["difference"])
        logits = moved @ self.arrays["text_weight"].T + float(self.settings["logit_bias"])
        return self.shifted(np.asarray(logits, dtype=np.float32))

    def as_head(self) -> Head:
        """See `Predictor.as_head`."""
        bias = self.offset() + np.float32(self.settings["logit_bias"])
        return ProjectedAnewHead(self.arrays["text_weight"], bias, self.arrays["difference"])
