"""TaskRes: a residual for every class is learned on top of the class names' embeddings.

Yu et al., "Task Residual for Tuning Vision-Language Models" (CVPR 2023): logits are scaled cosines of images with t +
alpha * x, where t are the frozen class embeddings and x, zero at first, is trained by cross-entropy with Adam and a
cosine schedule. t has the length that the text tower gives it, and the learning rate is in that unit: on unit vectors
the same steps would be five to ten times as long, and forget the text.

Differences: an epoch is one full-batch step, so that many tasks are trained together; learning rate and step are
chosen on validation, where the published code has one rate for all datasets but ImageNet and takes the last step; t is
the mean of all templates' embeddings; images are not augmented, because features come from the cache.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from adapters._heads.batches import PaddedImages, TaskBatch
from adapters._heads.choice import SearchGrid, Setting, quality
from adapters._heads.config import HeadConfig
from adapters._heads.minibatches import Budget, Epochs, run_epochs
from adapters._heads.predictors import BlendedLinear, Space
from adapters._heads.recipe import HeadRecipe
from adapters._heads.sweep import SweepResult
from adapters._heads.training import Adam, Parameters, columns, cross_entropy, descend
from adapters._presets import PresetConfig
from workbench.plugin import RecipeConfig


class TaskResConfig(HeadConfig, PresetConfig):
    """Settings of `task-res`.

    The preset `paper`: Adam at 2e-3 with weight decay 5e-4, a first epoch at 1e-5 and half a cosine, batches of 256,
    100 epochs up to 4 shots and 200 beyond, of which the last is kept. The published code takes 2e-4 for ImageNet.

    Attributes:
        alpha: Multiplier of the residual.
        learning_rates: Adam's, at the first step, of which validation chooses. The large ones are for text that knows
            little.
        steps: Full-batch steps at most; validation chooses how many. `paper` has epochs instead.
        default_learning_rate: Used where there is nothing to choose on.
        default_steps: Used where there is nothing to choose on.
    """

    paper: ClassVar[Mapping[str, Any]] = {"learning_rates": (2e-3,)}

    alpha: float = Field(default=0.5, gt=0)
    learning_rates: tuple[float, ...] = Field(default=(0.004, 0.03, 0.2), min_length=1)
    steps: int = Field(default=60, gt=0)
    default_learning_rate: float = Field(default=0.002, gt=0)
    default_steps: int = Field(default=60, ge=0)


class TaskRes(HeadRecipe[TaskResConfig]):
    """Train residuals of the class embeddings."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = TaskResConfig
    spaces: ClassVar[tuple[Space, ...]] = ("projected",)
    unseen: ClassVar[bool] = True

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"learning_rate": self.config.learning_rates}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        if self.config.preset == "paper":
            return {"learning_rate": self.config.learning_rates[0]}
        return {"learning_rate": self.config.default_learning_rate, "steps": self.config.default_steps}

    def settled(self) -> bool:
        """See `HeadRecipe.settled`."""
        return self.config.preset == "paper" and len(self.config.learning_rates) == 1

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        train, val, rate = batch.train, batch.val, grid["learning_rate"]
        text = (batch.text_length[..., None] * batch.text)[:, None]

        def weights(residual: Tensor) -> Tensor:
            moved = F.normalize(text + self.config.alpha * residual, dim=3)
            return batch.scale[:, None, None, None] * moved

        def logits(parameters: Parameters, images: PaddedImages) -> Tensor:
            return columns(images.x, weights(parameters[0]))

        def loss(parameters: Parameters, images: PaddedImages) -> Tensor:
            return cross_entropy(logits(parameters, images), images.target, images.count)

        def assess(parameters: Parameters) -> tuple[Tensor, Tensor]:
            return quality(logits(parameters, val), val.target, val.mask)

        start = batch.text.new_zeros(len(batch), rate.shape[1], *batch.text.shape[1:])
        if self.config.preset == "paper":
            budgets = [
                Budget(100 if shots <= 4 else 200, 256, "adam", weight_decay=5e-4, warmup=1e-5)
                for shots in batch.images_a_class
            ]
            trained = run_epochs(Epochs(train, batch.seeds, budgets, rate, loss), (start,), assess)
        else:
            trained = descend(
                (start,),
                Adam(lambda parameters: loss(parameters, train), learning_rate=rate, steps=self.config.steps),
                assess,
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

        return SweepResult(
            trained.accuracy,
            trained.nll,
            build,
            parameters=lambda _: batch.text[0].numel(),
            fitted_values=lambda i, j: {"steps": int(trained.steps[i, j])},
            curves=trained.curves,
        )
