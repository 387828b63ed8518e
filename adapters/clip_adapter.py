"""CLIP-Adapter: a bottleneck network refines image features, and a residual connection keeps what they were.

Gao et al., "CLIP-Adapter: Better Vision-Language Models with Feature Adapters" (IJCV 2024), with the visual adapter
alone, as in the published code: features f become ratio * A(f) + (1 - ratio) * f, where A(f) = ReLU(W2 ReLU(W1 f))
has no bias; logits are scaled cosines with the class embeddings. Differences: the ratio, a constant by dataset in the
paper, is chosen on validation; so is the step, where the published code takes the last one; training takes full-batch
Adam steps, so that many tasks are trained together; images are not augmented, because features come from the cache.
Features have unit norm before the adapter: since it is positively homogeneous, that changes nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from adapters._heads.batches import PaddedImages, TaskBatch
from adapters._heads.choice import SearchGrid, Setting, quality
from adapters._heads.config import HeadConfig
from adapters._heads.minibatches import Budget, Epochs, run_epochs
from adapters._heads.predictors import Space, TextScored, as_float32
from adapters._heads.recipe import HeadRecipe
from adapters._heads.sweep import SweepResult
from adapters._heads.training import Adam, Parameters, cross_entropy, descend
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
    unit,
)


class ClipAdapterConfig(HeadConfig, PresetConfig):
    """Settings of `clip-adapter`.

    The preset `paper`, after the CoOp code that the published adapter is built on: SGD at 2e-3 with momentum 0.9 and
    weight decay 5e-4, a first epoch at 1e-5 and half a cosine, batches of 32, 200 epochs, of which the last is kept,
    and the ratio 0.2.

    Attributes:
        ratios: Shares of the adapter's output, 0..1.
        reduction: The bottleneck is this many times narrower than the features.
        learning_rate: Adam's, at the first step, where validation can stop it.
        steps: Full-batch steps at most; validation chooses how many. `paper` has epochs instead.
        default_ratio: Used where there is nothing to choose on.
        default_learning_rate: Used there, too; low, since Adam's first steps do not shrink with the gradient.
        default_steps: Used there, too.
    """

    paper: ClassVar[Mapping[str, Any]] = {"ratios": (0.2,), "learning_rate": 2e-3}

    ratios: tuple[float, ...] = Field(default=(0.2, 0.8), min_length=1)
    reduction: int = Field(default=4, gt=0)
    learning_rate: float = Field(default=0.01, gt=0)
    steps: int = Field(default=60, gt=0)
    default_ratio: float = Field(default=0.2, ge=0, le=1)
    default_learning_rate: float = Field(default=0.001, gt=0)
    default_steps: int = Field(default=60, ge=0)


class ClipAdapter(HeadRecipe[ClipAdapterConfig]):
    """Train a small network behind the image encoder."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = ClipAdapterConfig
    spaces: ClassVar[tuple[Space, ...]] = ("projected",)
    stochastic: ClassVar[bool] = True
    unseen: ClassVar[bool] = True
    scores_by_text: ClassVar[bool] = True

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"ratio": self.config.ratios, "learning_rate": (self.config.learning_rate,)}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        config = self.config
        if config.preset == "paper":
            return {"ratio": config.ratios[0], "learning_rate": config.learning_rate}
        return {
            "ratio": config.default_ratio,
            "learning_rate": config.default_learning_rate,
            "steps": config.default_steps,
        }

    def settled(self) -> bool:
        """See `HeadRecipe.settled`."""
        return self.config.preset == "paper" and len(self.config.ratios) == 1

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        train, val, ratio = batch.train, batch.val, grid["ratio"]
        text = batch.scale[:, None, None] * batch.text

        def logits(parameters: Parameters, images: PaddedImages) -> Tensor:
            down, up = parameters
            return adapted(images.x, down, up, ratio) @ text[:, None].mT

        def loss(parameters: Parameters, images: PaddedImages) -> Tensor:
            return cross_entropy(logits(parameters, images), images.target, images.count)

        def assess(parameters: Parameters) -> tuple[Tensor, Tensor]:
            return quality(logits(parameters, val), val.target, val.mask)

        rate, start = grid.flat("learning_rate"), self._start(batch, ratio.shape[1])
        if self.config.preset == "paper":
            budgets = [Budget(200, 32, "sgd", weight_decay=5e-4, warmup=1e-5)] * len(batch)
            trained = run_epochs(Epochs(train, batch.seeds, budgets, rate, loss), start, assess)
        else:
            trained = descend(
                start,
                Adam(lambda parameters: loss(parameters, train), learning_rate=rate, steps=self.config.steps),
                assess,
                steps=self.config.steps,
                every=10,
                selection=self.config.selection,
                stop_at=grid.axes.get("steps"),
            )
        down, up = trained.parameters

        def build(i: int, j: int) -> "AdaptedFeatures":
            return AdaptedFeatures(
                {"down": as_float32(down[i, j]), "up": as_float32(up[i, j]), "text_weight": as_float32(text[i])},
                {"ratio": float(ratio[i, j]), "logit_bias": batch.shots[i].task.model.logit_bias},
                scale=float(batch.scale[i]),
            )

        return SweepResult(
            trained.accuracy,
            trained.nll,
            build,
            parameters=lambda _: down[0, 0].numel() + up[0, 0].numel(),
            fitted_values=lambda i, j: {"steps": int(trained.steps[i, j])},
            curves=trained.curves,
        )

    def _start(self, batch: TaskBatch, h: int) -> Parameters:
        """PyTorch's initial weights of linear layers, drawn from each task's own seed and the same for every ratio."""
        d = batch.text.shape[2]
        width = max(1, d // self.config.reduction)
        layers: tuple[list[Tensor], list[Tensor]] = ([], [])
        for shot in batch.shots:
            draw = torch.Generator().manual_seed(shot.task.seed)
            for layer, (rows, inputs) in zip(layers, ((width, d), (d, width)), strict=True):
                values = torch.rand(rows, inputs, generator=draw, dtype=torch.float64)
                layer.append(((2 * values - 1) / inputs**0.5).to(batch.text.device))
        return tuple(torch.stack(weights)[:, None].expand(-1, h, -1, -1).contiguous() for weights in layers)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return AdaptedFeatures.restore(directory)


class AdaptedFeaturesHead(CosineHead):
    """`AdaptedFeatures`, for export.

    Args:
        weight: (n_classes, d), scaled.
        bias: (n_classes,).
        down: (width, d).
        up: (d, width).
        ratio: Share of the adapted features.
    """

    down: Tensor
    up: Tensor

    def __init__(self, weight: AnyArray, bias: AnyArray, down: AnyArray, up: AnyArray, ratio: float) -> None:
        super().__init__(weight, bias)
        self.ratio = ratio
        self.keep(down=down, up=up)

    def embed(self, pooled: Tensor, projected: Tensor) -> Tensor:  # noqa: ARG002
        """See `CosineHead.embed`."""
        x = unit(projected)
        return self.ratio * ((x @ self.down.T).relu() @ self.up.T).relu() + (1 - self.ratio) * x

    def embedding(self, prefix: str) -> list[str]:
        """See `CosineHead.embedding`."""
        return [
            f"hidden = np.maximum(unit(projected) @ head['{prefix}down'].T, 0)",
            f"moved = np.maximum(hidden @ head['{prefix}up'].T, 0)",
            f"embedded = {self.ratio!r} * moved + {1 - self.ratio!r} * unit(projected)",
        ]


class AdaptedFeatures(TextScored):
    """Scaled cosines of adapted features with the class embeddings."""

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        x = self.features(images, "projected")
        hidden = np.maximum(x @ self.arrays["down"].T, 0)
        ratio = float(self.settings["ratio"])
        moved = ratio * np.maximum(hidden @ self.arrays["up"].T, 0) + (1 - ratio) * x
        logits = normalise(moved) @ self.arrays["text_weight"].T + float(self.settings["logit_bias"])
        return self.shifted(np.asarray(logits, dtype=np.float32))

    def as_head(self) -> Head:
        """See `Predictor.as_head`."""
        bias = self.offset() + np.float32(self.settings["logit_bias"])
        down, up = self.arrays["down"], self.arrays["up"]
        return AdaptedFeaturesHead(self.arrays["text_weight"], bias, down, up, float(self.settings["ratio"]))


def adapted(x: Tensor, down: Tensor, up: Tensor, ratio: Tensor) -> Tensor:
    """Adapted features, ratio * A(f) + (1 - ratio) * f at unit norm, (b, h, n, d).

    Args:
        x: (b, n, d).
        down: (b, h, width, d).
        up: (b, h, d, width).
        ratio: (b, h).
    """
    b, h, width, d = down.shape
    hidden = (x @ down.reshape(b, h * width, d).mT).relu().reshape(b, x.shape[1], h, width).transpose(1, 2)
    share = ratio[:, :, None, None]
    return F.normalize(share * (hidden @ up.mT).relu() + (1 - share) * x[:, None], dim=3)
