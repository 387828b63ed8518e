"""Tip-Adapter-F: Tip-Adapter whose keys are fine-tuned.

Zhang et al., "Tip-Adapter: Training-free Adaption of CLIP for Few-shot Classification" (ECCV 2022), section 3.2: the
cache's keys are trained by cross-entropy with AdamW and a cosine schedule, labels and text stay as they are, and
alpha and beta are searched again afterwards. Differences: alpha, beta and text weight during training are
Tip-Adapter's best on validation, not constants of a dataset, and so is the feature space; an image does not meet its
own key in the loss (unless its class has no other), because without augmentation the cache would answer every
training image perfectly, and leave nothing to learn; Adam works in the span of the training images, which is smaller;
an epoch is one full-batch step, so that many tasks are trained together; the epoch is chosen on validation, where the
published code takes the best on test; images are not augmented, because features come from the cache.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from adapters._heads.batches import PaddedImages, TaskBatch
from adapters._heads.cache import cache_logits, row_slices
from adapters._heads.choice import SearchGrid, Setting, best
from adapters._heads.few_shot import FewShot
from adapters._heads.minibatches import Budget, Epochs, run_epochs
from adapters._heads.recipe import SweepPlan
from adapters._heads.span import span
from adapters._heads.sweep import SweepResult
from adapters._heads.training import Adam, Curves, Parameters, TrainedHeads, cross_entropy, descend
from adapters._presets import PresetConfig
from adapters.tip_adapter import TipAdapter, TipAdapterConfig, cache_predictor, grade_cache
from workbench.plugin import RecipeConfig


class TipAdapterFConfig(TipAdapterConfig, PresetConfig):
    """Settings of `tip-adapter-f`; those of `tip-adapter`, and the training's.

    The preset `paper`: projected features, alpha 1.17 and beta 1 during training as for ImageNet (others' code has 1 to
    10 by dataset), AdamW at 1e-3 with weight decay 0.01 and epsilon 1e-4, half a cosine, batches of 256, 20 epochs. Of
    them the last is kept, where the published code keeps the best on test. Alpha and beta are searched afterwards.

    Attributes:
        steps: Full-batch steps at most; validation chooses how many.
        learning_rate: At the first step.
        default_steps: Steps where there is no validation split.
    """

    paper: ClassVar[Mapping[str, Any]] = {
        "features": "projected", "text_weights": (1.0,), "default_alpha": 1.17, "default_beta": 1.0,
    }  # fmt: skip

    steps: int = Field(default=20, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    default_steps: int = Field(default=10, ge=0)


class TipAdapterF(TipAdapter):
    """Train the keys of a Tip-Adapter."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = TipAdapterFConfig
    config: TipAdapterFConfig

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        if self.config.preset == "paper":
            return super().defaults()
        return {**super().defaults(), "steps": self.config.default_steps}

    def plan_sweep(self, shots: Sequence[FewShot]) -> Sequence[SweepPlan]:
        """The space where the untrained cache is better, and its values there: keys are trained with them."""
        if not shots:
            return []
        if self.config.preset == "paper":
            fixed = {f"train_{axis}": value for axis, value in self.defaults().items()}
            return [SweepPlan(self._spaces(), fixed)] * len(shots)
        chosen = TipAdapter(self.config).choose(shots)
        return [
            SweepPlan((best.space,), {f"train_{axis}": best.setting[axis] for axis in self.axes()}) for best in chosen
        ]

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        point = SearchGrid({axis: grid.axes.get(f"train_{axis}", grid[axis]) for axis in self.axes()})
        if self.config.preset == "paper":
            trained, curves = self._train_as_published(batch, grid, point), None
        else:
            trained, curves = self._train(batch, grid, point)
        keys = trained.parameters[0][:, 0]
        accuracy, nll = grade_cache(batch, grid, keys)
        return SweepResult(
            accuracy,
            nll,
            build=lambda i, j: cache_predictor(batch, grid, keys, i, j),
            parameters=lambda i: int(batch.train.mask[i].sum()) * keys.shape[2],
            fitted_values=lambda i, _: {"steps": int(trained.steps[i, 0])},
            curves=curves,
        )

    def _train_as_published(self, batch: TaskBatch, grid: SearchGrid, point: SearchGrid) -> TrainedHeads:
        """Train at one point in minibatches; an image meets its own key, as it does in the published code."""
        alpha, text_weight = (point[axis][:, :, None, None] for axis in ("alpha", "text_weight"))

        def loss(parameters: Parameters, images: PaddedImages) -> Tensor:
            cached = cache_logits(images.x @ parameters[0][:, 0].mT, point["beta"], batch.train.target)
            logits = alpha * cached + text_weight * images.text_logits[:, None]
            return cross_entropy(logits, images.target, images.count)

        def assess(parameters: Parameters) -> tuple[Tensor, Tensor]:
            accuracy, nll = grade_cache(batch, grid, parameters[0][:, 0])
            return accuracy[:, :1], nll[:, :1]

        budgets = [Budget(20, 256, "adamw", weight_decay=0.01, epsilon=1e-4)] * len(batch)
        epochs = Epochs(batch.train, batch.seeds, budgets, self.config.learning_rate, loss)
        return run_epochs(epochs, (batch.train.x[:, None].clone(),), assess)

    def _train(self, batch: TaskBatch, grid: SearchGrid, point: SearchGrid) -> tuple[TrainedHeads, Curves | None]:
        """Train at one point, and grade the whole grid along the way."""
        train = batch.train
        reduced = span(train, batch.val, centre=False)
        alone = (train.target @ train.target.sum(dim=1)[..., None])[..., 0] < 2
        position = torch.arange(train.x.shape[1], device=train.x.device)
        beta, alpha = point["beta"], point["alpha"][:, :, None, None]
        text_weight = point["text_weight"][:, :, None, None]

        def cached(keys: Tensor, rows: slice) -> Tensor:
            itself = (position[rows, None] == position) & ~alone[:, rows, None]
            affinity = (reduced.train[:, rows] @ keys.mT).masked_fill(itself, -torch.inf)
            return cache_logits(affinity, beta, train.target)

        def loss(parameters: Parameters) -> Tensor:
            keys, (b, n) = parameters[0][:, 0], train.mask.shape
            slices = list(row_slices(n, b * n))
            # Beyond one slice affinities are computed again for the gradient: kept, they would fill the memory.
            parts = [
                cached(keys, rows) if len(slices) == 1 else checkpoint(cached, keys, rows, use_reentrant=False)
                for rows in slices
            ]
            logits = alpha * torch.cat(parts, dim=2) + text_weight * train.text_logits[:, None]
            return cross_entropy(logits, train.target, train.count)

        graded: list[tuple[Tensor, Tensor]] = []

        def assess(parameters: Parameters) -> tuple[Tensor, Tensor]:
            accuracy, nll = grade_cache(batch, grid, parameters[0][:, 0], reduced.val)
            graded.append((accuracy, nll))
            j = best(accuracy, nll, self.config.selection)[:, None]
            return accuracy.gather(1, j), nll.gather(1, j)

        # The larger epsilon is the published code's: it keeps keys that hardly matter from moving at full speed.
        step = Adam(loss, learning_rate=self.config.learning_rate, steps=self.config.steps, epsilon=1e-4)
        trained = descend(
            (reduced.train[:, None].clone(),),
            step,
            assess,
            steps=self.config.steps,
            every=2,
            selection=self.config.selection,
            stop_at=grid.axes.get("steps"),
        )
        rows = replace(trained, parameters=(trained.parameters[0] @ reduced.basis[:, None].mT,))
        if trained.curves is None:
            return rows, None
        accuracy, nll = (torch.stack(values, dim=2) for values in zip(*graded, strict=True))
        return rows, Curves(trained.curves.steps, accuracy, nll)
