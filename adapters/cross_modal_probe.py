"""Cross-modal linear probe: embedded class names are training samples like images.

Lin et al., "Multimodality Helps Unimodality: Cross-Modal Few-Shot Learning with Multimodal Models" (CVPR 2023),
section 3: a linear classifier in the joint space, whose weights start at the class embeddings and whose logits are
scaled like CLIP's, minimises cross-entropy over batches that are half images, half class texts.

Differences: the published code takes 12,800 AdamW steps, so that the start keeps weights near the text; here an L2
penalty on the way from it does, which makes the problem convex, so that it is solved. The penalty is chosen on
validation, as they choose learning rate, weight decay, batch size and step; so is the text's weight, at the start and
in the loss (1 is theirs), for models whose text knows little. A class gives one text sample, the mean of its sentences'
embeddings; images are not augmented, because features come from the cache.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import cos, pi
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from adapters._heads.anchored import sweep_anchored
from adapters._heads.batches import PaddedImages, TaskBatch
from adapters._heads.choice import SearchGrid, Setting, quality
from adapters._heads.config import SolvedConfig
from adapters._heads.predictors import BlendedLinear, Space
from adapters._heads.recipe import HeadRecipe
from adapters._heads.sweep import SweepResult
from adapters._heads.training import Parameters, columns, descend
from adapters._presets import PresetConfig
from workbench.plugin import RecipeConfig


class CrossModalProbeConfig(SolvedConfig, PresetConfig):
    """Settings of `cross-modal-probe`.

    The preset `paper`: 12,800 AdamW steps with 50 of linear warm-up and half a cosine, batches of 4 images and 4 texts;
    validation chooses learning rate, weight decay and step. The published code also tries batches of 32.

    Attributes:
        text_weights: Multipliers of the zero-shot weights and of the text's mean loss; 0 leaves text out.
        penalties: L2 penalties on the difference from the zero-shot weights.
        default_penalty: Used, with text weight 1, where there is nothing to choose on. The published steps move weights
            further still, which costs a text that is better than a few images can tell.
        learning_rates: Learning rates that `paper` tries.
        weight_decays: Weight decays that `paper` tries.
        steps: Steps of `paper`.
    """

    text_weights: tuple[float, ...] = Field(default=(1.0, 0.3, 0.1), min_length=1)
    penalties: tuple[float, ...] = Field(default=(1e-1, 1e-2, 1e-3, 1e-4, 1e-5), min_length=1)
    default_penalty: float = Field(default=3e-5, gt=0)
    learning_rates: tuple[float, ...] = Field(default=(1e-3, 1e-4), min_length=1)
    weight_decays: tuple[float, ...] = Field(default=(0.0, 0.01, 1e-4), min_length=1)
    steps: int = Field(default=12800, gt=0)


class CrossModalProbe(HeadRecipe[CrossModalProbeConfig]):
    """Fit a linear classifier to images and class names together."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = CrossModalProbeConfig
    spaces: ClassVar[tuple[Space, ...]] = ("projected",)

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        if self.config.preset == "paper":
            return {"learning_rate": self.config.learning_rates, "weight_decay": self.config.weight_decays}
        return {"text_weight": self.config.text_weights, "penalty": self.config.penalties}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        config = self.config
        if config.preset == "paper":
            return {
                "learning_rate": config.learning_rates[0],
                "weight_decay": config.weight_decays[0],
                "steps": config.steps,
            }
        return {"text_weight": 1.0, "penalty": self.config.default_penalty}

    def refines(self) -> bool:
        """See `HeadRecipe.refines`."""
        return self.config.preset != "paper"

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        if self.config.preset == "paper":
            return self._train(batch, grid)
        weight = grid["text_weight"]
        of_image = (batch.train.mask / batch.train.count[:, None])[:, None].expand(-1, weight.shape[1], -1) / 2
        of_text = (weight / (2 * batch.n_classes))[..., None].expand(-1, -1, batch.n_classes)
        return sweep_anchored(
            replace(batch, train=_with_classes(batch)),
            grid,
            grid["penalty"],
            importance=torch.cat([of_image, of_text], dim=2),
            tolerance=self.config.tolerance_of(grid),
            iterations=self.config.max_iterations,
        )

    def _train(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """The published training."""
        val, rate = batch.val, grid.flat("learning_rate")
        scale = batch.scale[:, None, None, None]

        def assess(parameters: Parameters) -> tuple[Tensor, Tensor]:
            return quality(columns(val.x, scale * parameters[0]), val.target, val.mask)

        step = _PublishedSteps(batch, rate, grid.flat("weight_decay"), self.config.steps)
        trained = descend(
            (batch.text[:, None].repeat(1, rate.shape[1], 1, 1),),
            step,
            assess,
            steps=self.config.steps,
            every=100,
            selection=self.config.selection,
            stop_at=grid.axes.get("steps"),
        )
        final = scale * trained.parameters[0]

        def build(i: int, j: int) -> BlendedLinear:
            bias, none = torch.zeros_like(final[i, j, :, 0]), torch.zeros_like(final[i, j])
            return BlendedLinear.of(batch.space, final[i, j], bias, none, scale=float(batch.scale[i]))

        return SweepResult(
            trained.accuracy,
            trained.nll,
            build,
            parameters=lambda _: batch.text[0].numel(),
            fitted_values=lambda i, j: {"steps": int(trained.steps[i, j])},
            curves=trained.curves,
        )


class _PublishedSteps:
    """AdamW on batches of 4 images and 4 class texts, drawn from each task's own seed."""

    def __init__(self, batch: TaskBatch, rate: Tensor, decay: Tensor, steps: int) -> None:
        self._batch, self._rate, self._decay, self._steps = batch, rate[..., None, None], decay[..., None, None], steps
        draws = [torch.Generator().manual_seed(seed) for seed in batch.seeds]
        counts = [max(1, int(n)) for n in batch.train.mask.sum(dim=1)]
        shape, device = (steps, 4), batch.text.device
        self._images, self._texts = (
            torch.stack(
                [torch.randint(n, shape, generator=draw) for n, draw in zip(sizes, draws, strict=True)]
            ).to(device)
            for sizes in (counts, [batch.n_classes] * len(batch))
        )  # fmt: skip
        self._names = torch.eye(batch.n_classes, dtype=torch.float64, device=device)
        self._first = self._second = torch.zeros_like(batch.text[:, None]).repeat(1, rate.shape[1], 1, 1)

    def __call__(self, parameters: Parameters, t: int) -> Parameters:
        """The parameters after step `t`, counted from 0."""
        (weight,), batch = parameters, self._batch
        task, scale = torch.arange(len(batch), device=weight.device)[:, None], batch.scale[:, None, None, None]
        rows, text_rows = self._images[:, t], self._texts[:, t]
        x = torch.cat([batch.train.x[task, rows], batch.text[task, text_rows]], dim=1)
        target = torch.cat([batch.train.target[task, rows], self._names[text_rows]], dim=1)
        residual = columns(x, scale * weight).softmax(dim=3) - target[:, None]
        gradient = scale * residual.mT @ x[:, None] / x.shape[1]
        self._first, self._second = self._first.lerp(gradient, 0.1), self._second.lerp(gradient.square(), 0.001)
        rate = self._rate * (t / 50 if t < 50 else (1 + cos(pi * (t - 50) / self._steps)) / 2)
        size = (self._second / (1 - 0.999 ** (t + 1))).sqrt() + 1e-8
        return (weight * (1 - rate * self._decay) - rate / (1 - 0.9 ** (t + 1)) * self._first / size,)


def _with_classes(batch: TaskBatch) -> PaddedImages:
    """Training images, and behind them the embedding of each class."""
    train, (b, c, _) = batch.train, batch.text.shape
    names = torch.eye(c, dtype=train.x.dtype, device=train.x.device).expand(b, c, c)
    return PaddedImages(
        x=torch.cat([train.x, batch.text], dim=1),
        target=torch.cat([train.target, names], dim=1),
        mask=torch.cat([train.mask, train.mask.new_ones(b, c)], dim=1),
        text_logits=torch.cat([train.text_logits, batch.scale[:, None, None] * batch.text @ batch.text.mT], dim=1),
    )
