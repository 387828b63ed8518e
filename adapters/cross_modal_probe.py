"""Cross-modal linear probe: embedded class names are training samples like images.

Lin et al., "Multimodality Helps Unimodality: Cross-Modal Few-Shot Learning with Multimodal Models" (CVPR 2023),
section 3: one linear classifier in the joint space minimises mean_i CE(W f_i, y_i) + mean_c CE(W t_c, c) over images
f_i and class texts t_c. Differences: the published code draws batches that are half image, half text, and trains for
a fixed number of AdamW steps from zero-shot weights; here the same loss with an L2 penalty is convex and solved, the
penalty and the text's share of the loss (1 is theirs) being chosen on validation, as they choose learning rate,
weight decay and step; a class gives one text sample, the mean of its sentences' embeddings; a bias is fitted; logits
are not scaled, since the penalty sets their scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from pydantic import Field

from adapters._heads.anchored import sweep_anchored
from adapters._heads.candidates import Swept
from adapters._heads.choice import Grid, Setting
from adapters._heads.data import Padded, Stack
from adapters._heads.predictors import Space
from adapters._heads.recipe import HeadConfig, HeadRecipe
from workbench import RecipeConfig


class CrossModalProbeConfig(HeadConfig):
    """Settings of `cross-modal-probe`.

    Attributes:
        text_weights: Shares of the text's mean loss; 0 leaves text out.
        penalties: L2 penalties on the loss.
        default_penalty: Used, with text weight 1, where there is no validation split.
        tolerance: Norm of the gradient at a solution, relative to that at zero weights.
        max_iterations: Bound on the solver's iterations for one penalty.
    """

    text_weights: tuple[float, ...] = Field(default=(1.0, 0.3, 0.1), min_length=1)
    penalties: tuple[float, ...] = Field(default=(1e-1, 1e-2, 1e-3, 1e-4, 1e-5), min_length=1)
    default_penalty: float = Field(default=1e-4, gt=0)
    tolerance: float = Field(default=1e-4, gt=0)
    max_iterations: int = Field(default=1000, gt=0)


class CrossModalProbe(HeadRecipe[CrossModalProbeConfig]):
    """Fit a linear classifier to images and class names together."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = CrossModalProbeConfig
    spaces: ClassVar[tuple[Space, ...]] = ("projected",)

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"text_weight": self.config.text_weights, "penalty": self.config.penalties}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        return {"text_weight": 1.0, "penalty": self.config.default_penalty}

    def sweep(self, batch: Stack, grid: Grid) -> Swept:
        """See `HeadRecipe.sweep`."""
        weight = grid["text_weight"]
        of_image = (batch.train.mask / batch.train.count[:, None])[:, None].expand(-1, weight.shape[1], -1) / 2
        of_text = (weight / (2 * batch.n_classes))[..., None].expand(-1, -1, batch.n_classes)
        return sweep_anchored(
            replace(batch, train=_with_classes(batch)),
            grid,
            grid["penalty"],
            importance=torch.cat([of_image, of_text], dim=2),
            tolerance=self.config.tolerance,
            iterations=self.config.max_iterations,
        )


def _with_classes(batch: Stack) -> Padded:
    """Training images, and behind them the embedding of each class."""
    train, (b, c, _) = batch.train, batch.text.shape
    names = torch.eye(c, dtype=train.x.dtype, device=train.x.device).expand(b, c, c)
    return Padded(
        x=torch.cat([train.x, batch.text], dim=1),
        target=torch.cat([train.target, names], dim=1),
        mask=torch.cat([train.mask, train.mask.new_ones(b, c)], dim=1),
        text_logits=torch.cat([train.text_logits, batch.scale[:, None, None] * batch.text @ batch.text.mT], dim=1),
    )
