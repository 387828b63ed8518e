"""CLAP: a linear probe whose classes are held near the zero-shot weights, each as firmly as zero-shot deserves.

Silva-Rodriguez et al., "A Closer Look at the Few-Shot Adaptation of Large Vision-Language Models" (CVPR 2024):
cross-entropy plus sum_c lambda_c ||w_c - t_c||^2, where t_c are the class embeddings, and the multiplier lambda_c,
set once, is the mean zero-shot probability of class c over its own support images. Differences: weights are not
normalised in the logits, which makes the problem convex, so that it is solved instead of trained for 300 epochs with
augmentation; a bias, without penalty, is fitted; the published code averages the penalty over classes, and a factor
on it (1 is theirs) is chosen on validation, as is the weight of the text (1 is theirs), for models whose text knows
little, where the paper chooses nothing; what is learned may act on pooled features while text acts on projected ones
(where nothing can choose, both act on projected ones, as published); classes without an image get the mean multiplier.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from adapters._heads.anchored import sweep_anchored
from adapters._heads.batches import PaddedImages, TaskBatch
from adapters._heads.choice import SearchGrid, Setting, quality
from adapters._heads.config import SolvedConfig, SpaceChoice
from adapters._heads.few_shot import FewShot
from adapters._heads.minibatches import Budget, Epochs, run_epochs
from adapters._heads.predictors import BlendedLinear, Space
from adapters._heads.recipe import HeadRecipe, SweepPlan
from adapters._heads.sweep import SweepResult
from adapters._heads.training import Parameters, columns, cross_entropy
from adapters._presets import PresetConfig
from adapters.nearest_class_mean import space_of_class_means
from workbench.plugin import RecipeConfig


class ClapConfig(SolvedConfig, PresetConfig):
    """Settings of `clap`.

    The preset `paper`: prototypes on projected features, normalised in the logits, by SGD at 0.1 with momentum 0.9, a
    first epoch at 1e-5 and half a cosine, batches of 256, 300 epochs, of which the last is kept; the strength is 1.

    Attributes:
        features: `pooled`, `projected`, or `auto`: where nearest class means are better on validation. Of what is
            learned; text is always projected.
        text_weights: Multipliers of the zero-shot weights.
        strengths: Multipliers of the penalty.
        default_strength: Used, with text weight 1, where there is no validation split.
    """

    paper: ClassVar[Mapping[str, Any]] = {"features": "projected", "text_weights": (1.0,), "strengths": (1.0,)}

    features: SpaceChoice = "auto"
    text_weights: tuple[float, ...] = Field(default=(1.0, 0.3, 0.1), min_length=1)
    strengths: tuple[float, ...] = Field(default=(1000.0, 100.0, 10.0, 1.0), min_length=1)
    default_strength: float = Field(default=1.0, gt=0)


class Clap(HeadRecipe[ClapConfig]):
    """Fit a linear classifier under class-adaptive constraints."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = ClapConfig
    spaces: ClassVar[tuple[Space, ...]] = ("projected", "pooled")
    unseen: ClassVar[bool] = True

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"text_weight": self.config.text_weights, "strength": self.config.strengths}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        paper = self.config.preset == "paper"
        return {"text_weight": 1.0, "strength": self.config.strengths[0] if paper else self.config.default_strength}

    def settled(self) -> bool:
        """See `HeadRecipe.settled`."""
        return self.config.preset == "paper" and len(self.config.text_weights) == len(self.config.strengths) == 1

    def plan_sweep(self, shots: Sequence[FewShot]) -> Sequence[SweepPlan]:
        """See `HeadRecipe.plan_sweep`."""
        return space_of_class_means(shots, self._spaces(), self.config.selection)

    def refines(self) -> bool:
        """See `HeadRecipe.refines`."""
        return self.config.preset != "paper"

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        if self.config.preset == "paper":
            return self._train(batch, grid)
        # Of a class whose text has length l: lambda ||l w - l t||^2 = lambda l^2 / s^2 ||s w - s t||^2, with unit t and
        # the logit scale s, which weights here include.
        penalty = 2 * grid["strength"] / (batch.n_classes * batch.scale[:, None].square())
        share = multipliers(batch.train.text_logits, batch.train.target) * batch.text_length.square()
        return sweep_anchored(
            batch,
            grid,
            penalty,
            share=share,
            tolerance=self.config.tolerance_of(grid),
            iterations=self.config.max_iterations,
        )

    def _train(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """The published training, from text as long as it is."""
        train, val, strength = batch.train, batch.val, grid.flat("strength")
        text = (batch.text_length[..., None] * batch.text)[:, None]
        scale = grid.flat("text_weight") * batch.scale[:, None]
        share = multipliers(train.text_logits, train.target)[:, None]

        def weights(prototypes: Tensor) -> Tensor:
            return scale[:, :, None, None] * F.normalize(prototypes, dim=3)

        def loss(parameters: Parameters, images: PaddedImages) -> Tensor:
            away = (parameters[0] - text).square().sum(dim=3)
            logits = columns(images.x, weights(parameters[0]))
            return cross_entropy(logits, images.target, images.count) + strength * (share * away).mean(dim=2)

        def assess(parameters: Parameters) -> tuple[Tensor, Tensor]:
            return quality(columns(val.x, weights(parameters[0])), val.target, val.mask)

        budgets = [Budget(300, 256, "sgd", warmup=1e-5)] * len(batch)
        start = text.repeat(1, strength.shape[1], 1, 1)
        trained = run_epochs(Epochs(train, batch.seeds, budgets, 0.1, loss), (start,), assess)
        final = weights(trained.parameters[0])

        def build(i: int, j: int) -> BlendedLinear:
            bias, none = torch.zeros_like(final[i, j, :, 0]), torch.zeros_like(final[i, j])
            return BlendedLinear.of("projected", final[i, j], bias, none, scale=float(scale[i, j]))

        return SweepResult(trained.accuracy, trained.nll, build, parameters=lambda _: batch.text[0].numel())


def multipliers(text_logits: Tensor, target: Tensor) -> Tensor:
    """Mean zero-shot probability of each class over its own images, (b, n_classes).

    Args:
        text_logits: (b, n, n_classes) zero-shot logits.
        target: (b, n, n_classes) one-hot, zero in padding.
    """
    size = target.sum(dim=1)
    class_means = (text_logits.softmax(dim=2) * target).sum(dim=1) / size.clamp(min=1)
    mean = class_means.sum(dim=1, keepdim=True) / (size > 0).sum(dim=1, keepdim=True).clamp(min=1)
    # A class that zero-shot never finds would be free of any penalty, and the problem without a minimum.
    return torch.where(size > 0, class_means, mean).clamp(min=1e-3 * mean)
