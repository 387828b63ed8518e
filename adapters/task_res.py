"""TaskRes: a residual for every class is learned on top of the class names' embeddings.

Yu et al., "Task Residual for Tuning Vision-Language Models" (CVPR 2023): logits are scaled cosines of images with t +
alpha * x, where t are the frozen class embeddings and x, zero at first, is trained by cross-entropy with Adam and a
cosine schedule. Differences: alpha, a constant by dataset in the paper (0.5, and 1 for flowers), is chosen on
validation; so is the step, where the published code takes the last one; an epoch is one full-batch step, so that many
tasks are trained together, and the learning rate is larger for it; images are not augmented, because features come
from the cache.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from adapters._heads.candidates import Swept
from adapters._heads.choice import Grid, Setting, quality
from adapters._heads.data import Padded, Stack
from adapters._heads.predictors import BlendedLinear, Space
from adapters._heads.recipe import HeadConfig, HeadRecipe
from adapters._heads.training import Adam, Parameters, columns, cross_entropy, descend
from workbench import RecipeConfig


class TaskResConfig(HeadConfig):
    """Settings of `task-res`.

    Attributes:
        alphas: Multipliers of the residual.
        learning_rate: Adam's, at the first step.
        steps: Full-batch steps at most; validation chooses how many.
        default_alpha: Used where there is no validation split.
        default_steps: Steps where there is no validation split.
    """

    alphas: tuple[float, ...] = Field(default=(0.2, 1.0), min_length=1)
    learning_rate: float = Field(default=0.03, gt=0)
    steps: int = Field(default=60, gt=0)
    default_alpha: float = Field(default=0.5, gt=0)
    default_steps: int = Field(default=30, ge=0)


class TaskRes(HeadRecipe[TaskResConfig]):
    """Train residuals of the class embeddings."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = TaskResConfig
    spaces: ClassVar[tuple[Space, ...]] = ("projected",)
    unseen: ClassVar[bool] = True

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"alpha": self.config.alphas}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        return {"alpha": self.config.default_alpha, "steps": self.config.default_steps}

    def sweep(self, batch: Stack, grid: Grid) -> Swept:
        """See `HeadRecipe.sweep`."""
        train, val, alpha = batch.train, batch.val, grid["alpha"]

        def weights(residual: Tensor) -> Tensor:
            moved = F.normalize(batch.text[:, None] + alpha[:, :, None, None] * residual, dim=3)
            return batch.scale[:, None, None, None] * moved

        def logits(parameters: Parameters, images: Padded) -> Tensor:
            return columns(images.x, weights(parameters[0]))

        step = Adam(
            lambda parameters: cross_entropy(logits(parameters, train), train.target, train.count),
            learning_rate=self.config.learning_rate,
            steps=self.config.steps,
        )
        start = batch.text.new_zeros(len(batch), alpha.shape[1], *batch.text.shape[1:])
        trained = descend(
            (start,),
            step,
            lambda parameters: quality(logits(parameters, val), val.target, val.mask),
            steps=self.config.steps,
            every=5,
            selection=self.config.selection,
            stop_at=grid.axes.get("steps"),
        )
        final = weights(trained.parameters[0])

        def build(i: int, j: int) -> BlendedLinear:
            weight = final[i, j]
            bias = weight.new_full((len(weight),), batch.shots[i].task.model.logit_bias)
            none = torch.zeros_like(weight)
            return BlendedLinear.of(batch.space, weight, bias, none, scale=float(batch.scale[i]))

        return Swept(
            trained.accuracy,
            trained.nll,
            build,
            parameters=lambda _: batch.text[0].numel(),
            found=lambda i, j: {"steps": int(trained.steps[i, j])},
            curves=trained.curves,
        )
