"""Tip-Adapter: a cache of the training images' features, blended with zero-shot; nothing is trained.

Zhang et al., "Tip-Adapter: Training-free Adaption of CLIP for Few-shot Classification" (ECCV 2022): logits = alpha *
exp(-beta (1 - f F')) L + zero-shot logits, where F are the training images' features of unit norm and L their one-hot
labels. Differences: alpha and beta come from a logarithmic grid, not a linear one whose ends depend on the dataset;
keys are single features, not means over augmented views, because features come from the cache; keys may be pooled
while the text's stay projected; text may also be left out (weight 0), for models whose text knows little.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from adapters._heads.batches import TaskBatch
from adapters._heads.cache import KeyValueCache, by_rows, cache_logits
from adapters._heads.choice import SearchGrid, Setting, graded
from adapters._heads.config import HeadConfig, SpaceChoice
from adapters._heads.predictors import as_float32
from adapters._heads.recipe import HeadRecipe
from adapters._heads.sweep import SweepResult
from workbench.plugin import Predictor, RecipeConfig, TaskModel


class TipAdapterConfig(HeadConfig):
    """Settings of `tip-adapter`.

    Attributes:
        features: `pooled`, `projected`, or `auto`: validation chooses. Of the cache; text is always projected.
        text_weights: Multipliers of the zero-shot logits; 0 leaves text out.
        alphas: Multipliers of the cache's logits.
        betas: Sharpness of affinities.
        default_alpha: Used, with text weight 1, where there is no validation split.
        default_beta: Used where there is no validation split.
    """

    features: SpaceChoice = "auto"
    text_weights: tuple[float, ...] = Field(default=(1.0, 0.3, 0.1, 0.0), min_length=1)
    alphas: tuple[float, ...] = Field(
        default=(0.3, 0.55, 1.0, 1.8, 3.0, 5.5, 10.0, 18.0, 30.0, 55.0, 100.0, 180.0, 300.0), min_length=1
    )
    betas: tuple[float, ...] = Field(default=(1.0, 2.0, 4.0, 8.0, 16.0, 32.0), min_length=1)
    default_alpha: float = Field(default=3.0, gt=0)
    default_beta: float = Field(default=4.0, gt=0)


class TipAdapter(HeadRecipe[TipAdapterConfig]):
    """Add the votes of similar training images to the zero-shot logits."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = TipAdapterConfig
    unseen: ClassVar[bool] = True

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"text_weight": self.config.text_weights, "alpha": self.config.alphas, "beta": self.config.betas}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        return {"text_weight": 1.0, "alpha": self.config.default_alpha, "beta": self.config.default_beta}

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        accuracy, nll = grade_cache(batch, grid, batch.train.x)
        return SweepResult(accuracy, nll, lambda i, j: cache_predictor(batch, grid, batch.train.x, i, j))

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return KeyValueCache.restore(directory)


def grade_cache(batch: TaskBatch, grid: SearchGrid, keys: Tensor, val_x: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Validation accuracy and likelihood of a grid over text weight, alpha and beta; one affinity serves all points.

    Args:
        batch: The tasks.
        grid: Has the axes `text_weight`, `alpha` and `beta`.
        keys: (b, n, r).
        val_x: (b, m, r) validation features in the keys' coordinates, where these are not the batch's.
    """
    val = batch.val
    cached = by_rows(
        val.x if val_x is None else val_x,
        keys,
        lambda affinity: cache_logits(affinity, grid["beta"], batch.train.target),
    )
    alphas = grid["alpha"].shape[1]

    def logits(k: int) -> Tensor:
        text_weight, alpha = grid["text_weight"][:, k // alphas], grid["alpha"][:, k % alphas]
        return text_weight[:, None, None, None] * val.text_logits[:, None] + alpha[:, None, None, None] * cached

    return graded(logits, grid["text_weight"].shape[1] * alphas, val.target, val.mask)


def cache_predictor(batch: TaskBatch, grid: SearchGrid, keys: Tensor, i: int, j: int) -> KeyValueCache:
    """The predictor of a task and a grid point."""
    rows = batch.train.mask[i] > 0
    point = grid.points(i)[j]
    scale = float(point["text_weight"] * batch.scale[i])
    return KeyValueCache(
        {
            "keys": as_float32(keys[i, rows]),
            "labels": as_float32(batch.train.labels[i, rows]),
            "text_weight": as_float32(scale * batch.text[i]),
        },
        {"space": batch.space, "n_classes": batch.n_classes, "alpha": point["alpha"], "beta": point["beta"]},
        scale=scale,
    )
