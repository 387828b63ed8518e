"""ZERO: augmented views of an image vote for its class, each with all its weight on the class that it finds likeliest.

Farina et al., "Frustratingly Easy Test-Time Adaptation of Vision-Language Models" (NeurIPS 2024): of 64 views (the
evaluation view, and random crops, half of them mirrored) those with the least entropy are kept, the temperature is set
to zero, and the mean is taken. Ties go to the class of the next surest view. As their code does since, it keeps 30 % of
the views (10 % in the paper). Nothing is trained.

Each image is answered by itself and what is drawn for it depends on its pixels alone, so that inference is inductive
although the literature calls it test-time adaptation. What differs: scores are the logarithms of the shares of votes.
"""

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from adapters._heads.predictors import SavedArrays
from adapters._unlabelled.start import StartConfig, log_of_share, zero_shot
from workbench.plugin import (
    AnyArray,
    ClassificationRecipe,
    ClassificationTask,
    Compute,
    FloatArray,
    ImageSet,
    LoadedModel,
    Predictor,
    RecipeConfig,
    TaskModel,
)

_TIE = 1e-3
"""The part of a vote that settles a tie."""


class ZeroConfig(StartConfig):
    """Settings of `zero`.

    Attributes:
        views: Views of an image, the evaluation view among them.
        kept: Share of the views, those with the least entropy, that vote, 0..1.
        precision: `auto` follows the run's `--precision`.
    """

    views: int = Field(default=64, ge=1)
    kept: float = Field(default=0.3, gt=0, le=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"


class Zero(ClassificationRecipe[ZeroConfig]):
    """Let views of an image vote; nothing is trained."""

    Config: ClassVar[type[RecipeConfig]] = ZeroConfig
    reads: ClassVar[Literal["nothing", "features", "images"]] = "images"
    trains: ClassVar[bool] = False
    stochastic: ClassVar[bool] = True
    unseen: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> Predictor:
        """Embed the class names, and load the network."""
        start = zero_shot(task, self.config)
        compute = Compute.resolve(task.device, self.config.precision, task.model.precision)
        settings = {**self.config.model_dump(include={"views", "kept"}), "seed": task.seed}
        arrays = {"text": start.weight, "bias": start.bias}
        return Votes(arrays, {**settings, "precision": compute.precision}, scale=start.scale).on(task.model, compute)

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:
        """See `ClassificationRecipe.restore`."""
        found = Votes.restore(directory)
        return found.on(model, Compute(device, found.settings["precision"]))


class Votes(SavedArrays):
    """Counts the votes of views."""

    _loaded: LoadedModel
    _compute: Compute

    def on(self, model: TaskModel, compute: Compute) -> "Votes":
        """The same, with the network on a device."""
        self._compute, self._loaded = compute, model.load()
        compute.place(self._loaded.network)
        return self

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        from adapters._unlabelled.views import Views, features_of

        views = Views(self._loaded, self._compute, self.settings["views"], self.settings["seed"])
        votes = np.zeros((len(images), len(self.arrays["text"])))
        for i in range(len(images)):
            x = features_of(views(images.decode(i)), self._loaded, self._compute).cpu().numpy()
            votes[i] = votes_of(self.scale * x @ self.arrays["text"].T + self.arrays["bias"], self.settings["kept"])
        return log_of_share(votes)


def votes_of(logits: AnyArray, kept: float) -> AnyArray:
    """Votes by class, float64 (n_classes,), of the views' logits (n_views, n_classes)."""
    import torch

    from adapters._unlabelled.views import surest

    values = torch.from_numpy(np.ascontiguousarray(logits))
    order = surest(values, 1.0).numpy()
    said, count = logits.argmax(axis=1)[order], max(1, int(len(logits) * kept))
    votes = np.bincount(said[:count], minlength=logits.shape[1]).astype(np.float64)
    tied = np.flatnonzero(votes == votes.max())
    # The next surest view that is of one of them decides; where there is none, the surest of all.
    later = [c for c in (*said[count:], *said[:count]) if c in tied]
    votes[later[0]] += _TIE
    return votes
