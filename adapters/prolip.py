"""ProLIP: the matrix that projects image features into the joint space is fine-tuned, and nothing else.

Fahes et al., "Fine-Tuning CLIP's Last Visual Projector: A Few-Shot Cornucopia" (2024): cross-entropy of scaled cosines
with the class embeddings plus lambda ||W - W0||^2, from the pretrained projection W0, with Adam and a cosine schedule;
without validation lambda is 1 / N at N shots. Since W x = W0 x + (W - W0) x, the change alone is learned, on pooled
features, and added to projected ones: both are in the store, and W0 need not be known. Where a model's projection is
more than a matrix, what is learned is a matrix beside it.

Differences: features have unit norm before and after the projection, so that one learning rate fits all models; an
epoch is one full-batch step, as in the published code, but there are 60 instead of 300, at a larger rate, unless
`preset = "paper"`; rate, lambda and step are chosen on validation or by cross-validation; images are not augmented,
because features come from the store, where the paper takes 300 random views of each.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from adapters._heads.candidates import Swept
from adapters._heads.choice import Grid, Setting, quality
from adapters._heads.config import HeadConfig
from adapters._heads.data import Padded, Stack, stack
from adapters._heads.predictors import SavedArrays, Space, as_float32
from adapters._heads.recipe import HeadRecipe
from adapters._heads.training import Adam, Parameters, cross_entropy, descend
from adapters._presets import PresetConfig
from workbench import FloatArray, ImageSet, Predictor, RecipeConfig, TaskModel, normalise


class ProlipConfig(HeadConfig, PresetConfig):
    """Settings of `prolip`.

    The preset `paper`: 300 steps at 1e-5 of a projection whose input is about three times as long as its output, as
    CLIP's is, with lambda = 1 / N; nothing is chosen.

    Attributes:
        learning_rates: Adam's, at the first step.
        penalties: Multipliers of lambda = 1 / N; 1 is the paper's.
        steps: Full-batch steps at most; validation chooses how many.
        default_learning_rate: Used, with penalty 1, where there is nothing to choose on.
        default_steps: Steps where there is nothing to choose on.
    """

    paper: ClassVar[Mapping[str, Any]] = {
        "learning_rates": (3e-5,), "default_learning_rate": 3e-5, "steps": 300, "default_steps": 300,
    }  # fmt: skip

    learning_rates: tuple[float, ...] = Field(default=(1e-4, 1e-3), min_length=1)
    penalties: tuple[float, ...] = Field(default=(1.0,), min_length=1)
    steps: int = Field(default=60, gt=0)
    default_learning_rate: float = Field(default=1e-4, gt=0)
    default_steps: int = Field(default=60, ge=0)


class Prolip(HeadRecipe[ProlipConfig]):
    """Fine-tune the projection of image features."""

    Config: ClassVar[type[RecipeConfig]] = ProlipConfig
    spaces: ClassVar[tuple[Space, ...]] = ("projected",)
    unseen: ClassVar[bool] = True

    def settled(self) -> bool:
        """See `HeadRecipe.settled`."""
        return self.config.preset == "paper" and len(self.config.learning_rates) == len(self.config.penalties) == 1

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"learning_rate": self.config.learning_rates, "penalty": self.config.penalties}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        rate, steps = self.config.default_learning_rate, self.config.default_steps
        return {"learning_rate": rate, "penalty": 1.0, "steps": steps}

    def sweep(self, batch: Stack, grid: Grid) -> Swept:
        """See `HeadRecipe.sweep`."""
        wide = stack(batch.shots, "pooled")
        text = batch.scale[:, None, None] * batch.text
        rate, penalty = (grid[name] for name in ("learning_rate", "penalty"))
        h = rate.shape[1] * penalty.shape[1]
        # Points in the grid's own order: the penalty varies fastest.
        rates = rate.repeat_interleave(penalty.shape[1], dim=1)
        # Images a class, the mean over classes that have any.
        size = batch.train.target.sum(dim=1)
        shots = size.sum(dim=1) / (size > 0).sum(dim=1).clamp(min=1)
        decay = penalty.repeat(1, rate.shape[1]) / shots.clamp(min=1)[:, None]

        def logits(parameters: Parameters, images: Padded, pooled: Padded) -> Tensor:
            moved = moved_features(images.x, pooled.x, rates[..., None, None] * parameters[0])
            return moved @ text[:, None].mT

        def loss(parameters: Parameters) -> Tensor:
            change = (rates[..., None, None] * parameters[0]).square().sum(dim=(2, 3))
            fitted = cross_entropy(logits(parameters, batch.train, wide.train), batch.train.target, batch.train.count)
            return fitted + decay * change

        # Adam's steps do not depend on the gradient's length, so a rate of 1 on Delta / rate is `rate` on Delta.
        step = Adam(loss, learning_rate=1.0, steps=self.config.steps)
        start = text.new_zeros(len(batch), h, wide.train.x.shape[2], text.shape[2])
        trained = descend(
            (start,),
            step,
            lambda parameters: quality(logits(parameters, batch.val, wide.val), batch.val.target, batch.val.mask),
            steps=self.config.steps,
            every=5,
            stop_at=grid.axes.get("steps"),
            selection=self.config.selection,
        )
        final = rates[..., None, None] * trained.parameters[0]

        def build(i: int, j: int) -> "MovedFeatures":
            return MovedFeatures(
                {"change": as_float32(final[i, j]), "text_weight": as_float32(text[i])},
                {"logit_bias": batch.shots[i].task.model.logit_bias},
                scale=float(batch.scale[i]),
            )

        return Swept(
            trained.accuracy,
            trained.nll,
            build,
            parameters=lambda _: start[0, 0].numel(),
            found=lambda i, j: {"steps": int(trained.steps[i, j])},
            curves=trained.curves,
        )

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `Recipe.restore`."""
        return MovedFeatures.restore(directory)


class MovedFeatures(SavedArrays):
    """Scaled cosines of `projected + pooled @ change`, both of unit norm, with the class embeddings."""

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        moved = self.features(images, "projected") + self.features(images, "pooled") @ self.arrays["change"]
        logits = normalise(moved) @ self.arrays["text_weight"].T + float(self.settings["logit_bias"])
        return self.shifted(np.asarray(logits, dtype=np.float32))


def moved_features(projected: Tensor, pooled: Tensor, change: Tensor) -> Tensor:
    """Features by the changed projection at unit norm, (b, h, n, d).

    Args:
        projected: (b, n, d) unit rows.
        pooled: (b, n, p) unit rows.
        change: (b, h, p, d).
    """
    b, h, p, d = change.shape
    added = (pooled @ change.transpose(1, 2).reshape(b, p, h * d)).reshape(b, -1, h, d).transpose(1, 2)
    return F.normalize(projected[:, None] + added, dim=3)
