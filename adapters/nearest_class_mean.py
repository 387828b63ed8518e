"""Nearest class mean: cosine similarity with the mean of each class's training features.

Mensink et al., "Distance-Based Image Classification: Generalizing to New Classes at Near-Zero Cost" (PAMI 2013), and
the prototypes of Snell et al., "Prototypical Networks for Few-shot Learning" (NeurIPS 2017), equation 1. Differences:
no metric is learned; features and means have unit norm, so that distance and cosine rank alike; the temperature that
makes cosines logits is chosen on validation. A class without a training image scores like the least similar one.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field

from adapters._heads.batches import TaskBatch
from adapters._heads.choice import SearchGrid, Selection, Setting, quality
from adapters._heads.config import HeadConfig, SpaceChoice
from adapters._heads.few_shot import FewShot
from adapters._heads.large_images import LargeImages
from adapters._heads.predictors import BlendedLinear, Space
from adapters._heads.recipe import HeadRecipe, SweepPlan
from adapters._heads.streamed import graded_in_blocks
from adapters._heads.sweep import SweepResult
from workbench.plugin import RecipeConfig


class NearestClassMeanConfig(HeadConfig):
    """Settings of `nearest-class-mean`.

    Attributes:
        features: `pooled`, `projected`, or `auto`: validation chooses.
        scales: Multipliers of cosines that validation chooses from; they change probabilities, not ranks.
        default_scale: Used where there is no validation split.
    """

    features: SpaceChoice = "auto"
    scales: tuple[float, ...] = Field(default=(3.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0), min_length=1)
    default_scale: float = Field(default=20.0, gt=0)


class NearestClassMean(HeadRecipe[NearestClassMeanConfig]):
    """Compare an image with the mean training image of each class; nothing is trained."""

    version: ClassVar[str] = "2"
    reads_texts: ClassVar[bool] = False
    Config: ClassVar[type[RecipeConfig]] = NearestClassMeanConfig

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"scale": self.config.scales}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        return {"scale": self.config.default_scale}

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        sums = batch.train.target.mT @ batch.train.x
        means = F.normalize(sums, dim=2)
        empty = batch.train.target.sum(dim=1) == 0
        means = torch.where(empty[..., None], -F.normalize(sums.sum(dim=1, keepdim=True), dim=2), means)
        cosine = batch.val.x @ means.mT
        accuracy, nll = quality(grid["scale"][:, :, None, None] * cosine[:, None], batch.val.target, batch.val.mask)

        def build(i: int, j: int) -> BlendedLinear:
            scale = float(grid["scale"][i, j])
            none = means.new_zeros
            weight = scale * means[i]
            return BlendedLinear.of(
                batch.space, weight, none(len(weight)), none(len(weight), batch.text.shape[2]), scale=scale
            )

        return SweepResult(accuracy, nll, build)

    def sweep_streamed(self, shot: FewShot, space: Space, grid: SearchGrid) -> SweepResult | None:
        """See `HeadRecipe.sweep_streamed`: means are sums over images."""
        train, val = shot.train, shot.val
        if not isinstance(train, LargeImages) or not isinstance(val, LargeImages):
            return None
        sums, count = shot.text.new_zeros(()), shot.text.new_zeros(())
        for block in train.blocks(space):
            sums, count = sums + block.target.T @ block.x, count + block.target.sum(dim=0)
        means = F.normalize(sums, dim=1)
        means = torch.where((count == 0)[:, None], -F.normalize(sums.sum(dim=0, keepdim=True), dim=1), means)
        scales = grid["scale"][0]
        accuracy, nll = graded_in_blocks(
            val, [space], lambda block: scales[:, None, None] * (block.x @ means.T), len(scales)
        )

        def build(_: int, j: int) -> BlendedLinear:
            none, scale = means.new_zeros, float(scales[j])
            return BlendedLinear.of(space, scale * means, none(len(means)), none(shot.text.shape), scale=scale)

        return SweepResult(accuracy[None], nll[None], build)


def space_of_class_means(shots: Sequence[FewShot], spaces: Sequence[Space], selection: Selection) -> list[SweepPlan]:
    """For each task the feature space where nearest class means are best on validation: a cheap choice for others."""
    if len(spaces) == 1:
        return [SweepPlan(spaces)] * len(shots)
    guide = NearestClassMean(NearestClassMeanConfig(selection=selection))
    return [SweepPlan((best.space,)) for best in guide.choose(shots)]
