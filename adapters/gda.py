"""Gaussian discriminant analysis blended with zero-shot: classes share a covariance, and nothing is trained.

Wang et al., "A Hard-to-Beat Baseline for Training-free CLIP-based Adaptation" (ICLR 2024): weights w_c = P mu_c and
biases -mu_c' P mu_c / 2 with equal priors; the precision P = d ((N - 1) S + tr(S) I)^-1 of Kubokawa and Srivastava,
where S is the covariance within classes; and the blend zero-shot logits + alpha (W f + b), whose alpha is chosen on
validation as in their code. Differences: images are not augmented, because features come from the cache; features may
be pooled while the text's stay projected; text may also be left out (weight 0), for models whose text knows little;
the inverse is a Cholesky solve, not a pseudo-inverse; classes without an image get the mean of all images, so text
alone tells them apart; with one image a class, where the covariance within classes is zero, it is taken around the
mean of all images, because nothing can be inverted otherwise.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from adapters._heads.batches import TaskBatch
from adapters._heads.choice import SearchGrid, Setting, quality
from adapters._heads.config import HeadConfig, SpaceChoice
from adapters._heads.few_shot import FewShot
from adapters._heads.large_images import Block, LargeImages
from adapters._heads.predictors import BlendedLinear, Space
from adapters._heads.recipe import HeadRecipe
from adapters._heads.streamed import graded_in_blocks
from adapters._heads.sweep import SweepResult
from workbench.plugin import RecipeConfig


class GdaConfig(HeadConfig):
    """Settings of `gda`.

    Attributes:
        features: `pooled`, `projected`, or `auto`: validation chooses. Of the visual part; text is always projected.
        text_weights: Multipliers of the zero-shot logits; 0 leaves text out.
        alphas: Multipliers of the discriminant's logits; probabilities depend on them strongly, so steps are small.
        default_alpha: Used, with text weight 1, where there is no validation split.
    """

    features: SpaceChoice = "auto"
    text_weights: tuple[float, ...] = Field(default=(1.0, 0.3, 0.1, 0.0), min_length=1)
    alphas: tuple[float, ...] = Field(
        default=tuple(float(f"{10.0**e:.3g}") for e in np.arange(-4, 1.1, 0.25)), min_length=1
    )
    default_alpha: float = Field(default=0.05, gt=0)


class Gda(HeadRecipe[GdaConfig]):
    """Fit class means and a shared covariance in closed form, and add zero-shot logits."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = GdaConfig

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"text_weight": self.config.text_weights, "alpha": self.config.alphas}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        return {"text_weight": 1.0, "alpha": self.config.default_alpha}

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        weight, bias = discriminant(batch.train.x, batch.train.target, batch.train.mask)
        visual = batch.val.x @ weight.mT + bias[:, None]
        text_weight, alpha = grid["text_weight"], grid["alpha"]
        logits = (
            text_weight[:, :, None, None, None] * batch.val.text_logits[:, None, None]
            + alpha[:, None, :, None, None] * visual[:, None, None]
        ).flatten(1, 2)
        accuracy, nll = quality(logits, batch.val.target, batch.val.mask)

        def build(i: int, j: int) -> BlendedLinear:
            point = grid.points(i)[j]
            scale = float(point["text_weight"] * batch.scale[i])
            return BlendedLinear.of(
                batch.space, point["alpha"] * weight[i], point["alpha"] * bias[i], scale * batch.text[i], scale=scale
            )

        return SweepResult(accuracy, nll, build)

    def sweep_streamed(self, shot: FewShot, space: Space, grid: SearchGrid) -> SweepResult | None:
        """See `HeadRecipe.sweep_streamed`: means and covariance are sums over images."""
        train, val, model = shot.train, shot.val, shot.task.model
        if not isinstance(train, LargeImages) or not isinstance(val, LargeImages):
            return None
        weight, bias = streamed_discriminant(train, space)
        points = grid.points(0)
        text_weight, alpha = (grid.flat(axis)[0][:, None, None] for axis in ("text_weight", "alpha"))

        def logits(visual: Block, projected: Block) -> Tensor:
            text = model.logit_scale * projected.x @ shot.text.T + model.logit_bias
            return text_weight * text + alpha * (visual.x @ weight.T + bias)

        accuracy, nll = graded_in_blocks(val, [space, "projected"], logits, len(points))

        def build(_: int, j: int) -> BlendedLinear:
            scale = float(points[j]["text_weight"] * model.logit_scale)
            own = points[j]["alpha"]
            return BlendedLinear.of(space, own * weight, own * bias, scale * shot.text, scale=scale)

        return SweepResult(accuracy[None], nll[None], build)


def streamed_discriminant(images: LargeImages, space: Space) -> tuple[Tensor, Tensor]:
    """`discriminant` of one task with more images than dimensions, (n_classes, d) and (n_classes,)."""

    def sums_of(block: Block) -> tuple[Tensor, ...]:
        return block.target.sum(dim=0), block.target.T @ block.x, block.x.T @ block.x

    size, by_class, second = reduce(lambda a, b: tuple(map(torch.add, a, b)), map(sums_of, images.blocks(space)))
    n, d = len(images), second.shape[0]
    overall = by_class.sum(dim=0) / n
    means = torch.where(size[:, None] == 0, overall, by_class / size.clamp(min=1)[:, None])
    scatter = second - (means.T * size) @ means
    if scatter.trace() < 1e-9 * n:
        scatter = second - n * torch.outer(overall, overall)
    ridge = (scatter.trace() / max(1, n - 1)).clamp(min=1e-12)
    factor = torch.linalg.cholesky(scatter + ridge * torch.eye(d, dtype=second.dtype, device=second.device))
    weight = d * torch.cholesky_solve(means.T, factor).T
    return weight, -(weight * means).sum(dim=1) / 2


def discriminant(x: Tensor, target: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and biases of the Gaussian discriminant with equal priors.

    Args:
        x: (b, n, d) features, zero in padding.
        target: (b, n, n_classes) one-hot, zero in padding.
        mask: (b, n), 0 in padding.

    Returns:
        (b, n_classes, d) and (b, n_classes); equal priors add the same to all classes and are left out.
    """
    count = mask.sum(dim=1)
    overall = x.sum(dim=1) / count[:, None]
    size = target.sum(dim=1)
    means = (target.mT @ x) / size.clamp(min=1)[..., None]
    means = torch.where(size[..., None] == 0, overall[:, None], means)
    centred = (x - target @ means) * mask[..., None]
    flat = centred.square().sum(dim=(1, 2)) < 1e-9 * count
    centred = torch.where(flat[:, None, None], (x - overall[:, None]) * mask[..., None], centred)
    # The covariance's own mean is zero within classes, so (N - 1) times it is the scatter matrix.
    n, d = x.shape[1], x.shape[2]
    ridge = centred.square().sum(dim=(1, 2)) / (count - 1).clamp(min=1)
    ridge = ridge.clamp(min=1e-12)[:, None, None]
    if n < d:
        # Woodbury: the inverse of S'S + rI through the smaller n x n matrix.
        gram = centred @ centred.mT + ridge * torch.eye(n, dtype=x.dtype, device=x.device)
        inner = torch.cholesky_solve(centred @ means.mT, torch.linalg.cholesky(gram))
        weight = d * (means - (centred.mT @ inner).mT) / ridge
    else:
        scatter = centred.mT @ centred + ridge * torch.eye(d, dtype=x.dtype, device=x.device)
        weight = d * torch.cholesky_solve(means.mT, torch.linalg.cholesky(scatter)).mT
    return weight, -(weight * means).sum(dim=2) / 2
