"""LP++: a linear probe that learns, class by class, how much of the text to blend in.

Huang et al., "LP++: A Surprisingly Strong Linear Probe for Few-Shot CLIP" (CVPR 2024): logits f . (w_k + alpha_k t_k)
under cross-entropy, by block coordinate majorise-minimise: gradient steps on the visual prototypes w and on the
multipliers alpha whose sizes come from Lipschitz constants of the data (proposition 2 and equation 13): N over the
largest eigenvalue of F'F for w, and over max_k sum_i (f_i . t_k)^2 for alpha, times a constant. Initial prototypes
are class means, initial alphas the mean agreement of images with their class's text (250 mean_k f . t_k).

Differences: both constants are 2, since 1/2 bounds the softmax's curvature over all classes together (Boehning 1992),
where the published code takes 4 for w, which only bounds one class at a time, and a cautious 1/4 for alpha; w gets
Nesterov's momentum with restarts, not a fixed 0.9, and features are centred, which makes the constant many times
smaller. Uncentred features have the direction that all images share, and along it the published first steps mend at
once how much texts favour some classes always. Centred ones lack it; so the bias, which starts at random there, starts
here at minus that favour: a text's mean agreement with images of other classes, less what chance may have made of it
(see `favour`), and it moves slowly from there. Prototypes may live in pooled features while text acts on projected
ones; without validation they are projected, as published. The published code sets no hyper-parameter but keeps the step
that is best on validation; so do we, and validation also chooses the initial alphas' multiplier (1 is theirs; 0 starts
without text) for models whose text knows little. Where nothing can choose, far fewer steps are taken than the published
300, after which one image a class outweighs a text that is better.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from adapters._heads.batches import PaddedImages, TaskBatch
from adapters._heads.choice import SearchGrid, Setting, quality
from adapters._heads.config import HeadConfig, SpaceChoice
from adapters._heads.few_shot import FewShot
from adapters._heads.predictors import BlendedLinear, Space
from adapters._heads.recipe import HeadRecipe, SweepPlan
from adapters._heads.span import span
from adapters._heads.sweep import SweepResult
from adapters._heads.training import Parameters, columns, descend
from adapters.nearest_class_mean import space_of_class_means
from workbench.plugin import RecipeConfig


class LpPlusPlusConfig(HeadConfig):
    """Settings of `lp-plus-plus`.

    Attributes:
        features: `pooled`, `projected`, or `auto`: where nearest class means are better on validation. Of the
            prototypes; text is always projected.
        text_weights: Multipliers of the initial alphas; 0 starts without text.
        steps: Steps at most; validation chooses how many.
        text_every: The alphas take a step after this many of the prototypes'.
        default_steps: Steps, with text weight 1, where there is no validation split.
    """

    features: SpaceChoice = "auto"
    text_weights: tuple[float, ...] = Field(default=(1.0, 0.3, 0.1, 0.0), min_length=1)
    steps: int = Field(default=60, gt=0)
    text_every: int = Field(default=10, gt=0)
    default_steps: int = Field(default=20, ge=0)


class LpPlusPlus(HeadRecipe[LpPlusPlusConfig]):
    """Fit class prototypes and class-wise text multipliers."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = LpPlusPlusConfig
    spaces: ClassVar[tuple[Space, ...]] = ("projected", "pooled")

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"text_weight": self.config.text_weights}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        return {"text_weight": 1.0, "steps": self.config.default_steps}

    def plan_sweep(self, shots: Sequence[FewShot]) -> Sequence[SweepPlan]:
        """See `HeadRecipe.plan_sweep`."""
        return space_of_class_means(shots, self._spaces(), self.config.selection)

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        train, val = batch.train, batch.val
        reduced = span(train, val, centre=True)
        agreement, val_agreement = _agreement(batch, train), _agreement(batch, val)
        step = BlockSteps(reduced.train, agreement, train, self.config.text_every)

        def assess(parameters: Parameters) -> tuple[Tensor, Tensor]:
            logits = blended(step.with_constant(reduced.val, val.mask), val_agreement, *parameters)
            return quality(logits, val.target, val.mask)

        start = initial(step, agreement, train.target, grid["text_weight"])
        trained = descend(
            start,
            step,
            assess,
            steps=self.config.steps,
            every=5,
            selection=self.config.selection,
            stop_at=grid.axes.get("steps"),
        )
        prototypes, alphas = trained.parameters

        def build(i: int, j: int) -> BlendedLinear:
            weight, bias = reduced.weights(i, prototypes[i, j, :, :-1], prototypes[i, j, :, -1] * step.constant[i])
            return BlendedLinear.of(batch.space, weight, bias, alphas[i, j, :, None] * batch.text[i])

        return SweepResult(
            trained.accuracy,
            trained.nll,
            build,
            parameters=lambda _: batch.n_classes * (train.x.shape[2] + 2),
            fitted_values=lambda i, j: {"steps": int(trained.steps[i, j])},
            curves=trained.curves,
        )


def _agreement(batch: TaskBatch, images: PaddedImages) -> Tensor:
    """Cosines of images with class embeddings, (b, n, n_classes); zero in padding."""
    bias = torch.tensor([s.task.model.logit_bias for s in batch.shots], dtype=images.x.dtype, device=images.x.device)
    return (images.text_logits - bias[:, None, None]) * images.mask[..., None] / batch.scale[:, None, None]


def blended(z: Tensor, agreement: Tensor, prototypes: Tensor, alphas: Tensor) -> Tensor:
    """Logits f . (w_k + alpha_k t_k), (b, h, n, n_classes).

    Args:
        z: (b, n, r) features, a constant behind them.
        agreement: (b, n, n_classes) cosines with the text.
        prototypes: (b, h, n_classes, r).
        alphas: (b, h, n_classes).
    """
    return columns(z, prototypes) + alphas[:, :, None] * agreement[:, None]


def initial(step: "BlockSteps", agreement: Tensor, target: Tensor, text_weight: Tensor) -> Parameters:
    """Class means with a bias against the texts' favour, and 250 times the mean agreement of classes with their text.

    Args:
        step: Has the (b, n, r) features, a constant behind them.
        agreement: (b, n, n_classes).
        target: (b, n, n_classes) one-hot, zero in padding.
        text_weight: (b, h) multipliers of the alphas.
    """
    size = target.sum(dim=1)
    means = (target.mT @ step.z) / size.clamp(min=1)[..., None]
    by_class = (target * agreement).sum(dim=1) / size.clamp(min=1)
    alpha = 250 * by_class.sum(dim=1) / (size > 0).sum(dim=1).clamp(min=1)
    alphas = (text_weight * alpha[:, None])[..., None].expand(-1, -1, target.shape[2])
    prototypes = means[:, None].repeat(1, text_weight.shape[1], 1, 1)
    prototypes[..., -1] = -alphas * favour(agreement, target)[:, None] / step.constant[:, None, None]
    return prototypes, alphas.contiguous()


def favour(agreement: Tensor, target: Tensor) -> Tensor:
    """How much more each text agrees with images of other classes than texts do on average, (b, n_classes).

    A few images also show differences where there are none, and the spread between classes' images says how large. The
    value that chance exceeds one time in twenty is taken off the variance of the measured gaps, and all gaps shrink in
    proportion, to zero where chance alone may explain them.

    Args:
        agreement: (b, n, n_classes) cosines with the texts.
        target: (b, n, n_classes) one-hot, zero in padding.
    """
    size, c = target.sum(dim=1), target.shape[2]
    means = target.mT @ agreement / size.clamp(min=1)[..., None]  # (b, classes of images, texts)
    means = means - means.mean(dim=2, keepdim=True)
    other = (size > 0)[..., None] * (1 - torch.eye(c, dtype=means.dtype, device=means.device))
    count = other.sum(dim=1)
    agreement_gap = (means * other).sum(dim=1) / count.clamp(min=1)
    squares = ((means - agreement_gap[:, None]).square() * other).sum(dim=1) / (count - 1).clamp(min=1)
    by_chance: Tensor = (squares / count.clamp(min=1)).mean(dim=1) * (1 + 1.645 * (2 / max(1, c - 1)) ** 0.5)
    agreement_gap = agreement_gap - agreement_gap.mean(dim=1, keepdim=True)
    variance = agreement_gap.square().sum(dim=1) / max(1, c - 1)
    share: Tensor = (1 - by_chance / variance.clamp(min=1e-12)).clamp(min=0)
    measurable: Tensor = (count > 1).all(dim=1)  # Of one other class no spread is seen.
    return (share * measurable)[:, None] * agreement_gap


class BlockSteps:
    """A step on the prototypes, and every so often one on the alphas, as long as curvature allows.

    Args:
        z: (b, n, r) centred features; zero in padding.
        agreement: (b, n, n_classes).
        train: Targets, mask and counts.
        text_every: Steps on the prototypes for one on the alphas.
    """

    def __init__(self, z: Tensor, agreement: Tensor, train: PaddedImages, text_every: int) -> None:
        gram = z @ z.mT if z.shape[1] < z.shape[2] else z.mT @ z
        largest = torch.linalg.eigvalsh(gram)[:, -1].clamp(min=1e-12)
        self._count = train.count[:, None, None, None]
        # This constant feature carries the bias. It adds nothing to the largest eigenvalue, and the bias, which starts
        # where it should be, moves a tenth as fast as the prototypes along their first axis.
        self.constant = (0.1 * largest / train.count).sqrt()
        self.z = self.with_constant(z, train.mask)
        self.curvature = largest / (2 * train.count)
        self.text_curvature = agreement.square().sum(dim=1).amax(dim=1).clamp(min=1e-12) / (2 * train.count)
        self._agreement = agreement
        self._target = train.target
        self._text_every = text_every
        self._before: Tensor | None = None
        self._age: Tensor | None = None

    def with_constant(self, z: Tensor, mask: Tensor) -> Tensor:
        """Features and the constant behind them."""
        return torch.cat([z, (mask * self.constant[:, None])[..., None]], dim=2)

    def __call__(self, parameters: Parameters, t: int) -> Parameters:
        """The parameters after step `t`, counted from 0."""
        prototypes, alphas = parameters
        if self._before is None or self._age is None:
            self._before, self._age = prototypes, prototypes.new_zeros(prototypes.shape[:2])
        ahead = prototypes + (self._age / (self._age + 3))[..., None, None] * (prototypes - self._before)
        residual = self._residual(ahead, alphas)
        b, h, n, c = residual.shape
        gradient = (residual.transpose(2, 3).reshape(b, h * c, n) @ self.z).reshape(ahead.shape)
        moved = ahead - gradient / self.curvature[:, None, None, None]
        # O'Donoghue and Candes (2015): momentum that points uphill is forgotten.
        uphill = (gradient * (moved - prototypes)).sum(dim=(2, 3)) > 0
        self._age = torch.where(uphill, 0.0, self._age + 1)
        self._before = torch.where(uphill[..., None, None], moved, prototypes)
        if (t + 1) % self._text_every == 0:
            residual = self._residual(moved, alphas)
            slope = (residual * self._agreement[:, None]).sum(dim=2)
            alphas = alphas - slope / self.text_curvature[:, None, None]
        return moved, alphas

    def _residual(self, prototypes: Tensor, alphas: Tensor) -> Tensor:
        probability = blended(self.z, self._agreement, prototypes, alphas).softmax(dim=3)
        shown = self._target.sum(dim=2)[:, None, :, None]
        return (probability * shown - self._target[:, None]) / self._count
