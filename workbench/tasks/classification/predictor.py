"""The predictor that recipes return for classification."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from workbench.arrays import FloatArray, normalise
from workbench.errors import RecipeError
from workbench.images import ImageSet
from workbench.models.task_model import TaskModel
from workbench.recipes import FitReport, Fitted

if TYPE_CHECKING:
    from workbench.models import LoadedModel
    from workbench.recipes.heads import Head

Space = Literal["pooled", "projected"]
_ROWS = 2**16  # Are normalised at a time: features may be larger than memory.


class Predictor(Fitted, ABC):
    """Scores images. Scores of an image do not depend on the batch it comes in."""

    @abstractmethod
    def scores(self, images: ImageSet) -> FloatArray:
        """Logits, shape (len(images), n_classes): softmax gives probabilities, sigmoid where multi-label."""

    def for_classes(self, sentences: Sequence[Sequence[str]], model: TaskModel) -> "Predictor":  # noqa: ARG002
        """The predictor with other classes, which it scores by their text as it did those that it was fitted on.

        Args:
            sentences: Of each class, at least one.
            model: The model of the fit.

        Raises:
            RecipeError: It cannot: what it has learned is about its own classes.
        """
        raise RecipeError(f"{type(self).__name__} cannot score other classes than those that it was fitted on.")

    def as_head(self) -> "Head":
        """What it does with an image's features, for export to other tools.

        Raises:
            RecipeError: Its scores are no function of one image's features.
        """
        raise RecipeError(
            f"{type(self).__name__} cannot be written as a function of an image's features, so there is no head to "
            "export."
        )

    def tower(self, model: TaskModel) -> "LoadedModel | None":  # noqa: ARG002
        """The network whose image features the head reads, with what was learned in it, on the CPU, in fp32.

        None where they are the base model's.
        """
        return None

    def in_fp32(self) -> "Predictor":
        """The same with its own network computed in fp32, to compare an export with."""
        return self


class TransductivePredictor(Predictor):
    """Scores images together: those of an image depend on the others, but not on the order in which they come.

    It is asked once, for all test images, and gets their features and pixels without labels. A recipe that returns one
    says so (`Recipe.inference`).
    """

    def as_head(self) -> "Head":
        """See `Predictor.as_head`; there is none."""
        raise RecipeError(
            f"{type(self).__name__} is transductive: its answer for an image depends on the others, so there is no "
            "head to export."
        )


class LinearClassifier(Predictor):
    """`scores = scale * features @ weight.T + bias` on features of unit norm (or raw ones).

    Zero-shot, linear probes and most feature recipes end here; it saves and restores itself.

    Args:
        weight: (n_classes, d).
        bias: (n_classes,) or None.
        space: The features that it reads.
        scale: Multiplier of the product.
        unit_norm: Whether features are normalised first.
        report: The report of its fit.
    """

    def __init__(
        self,
        weight: FloatArray,
        bias: FloatArray | None = None,
        *,
        space: Space = "projected",
        scale: float = 1.0,
        unit_norm: bool = True,
        report: FitReport | None = None,
    ) -> None:
        self.weight = np.asarray(weight, dtype=np.float32)
        self.bias = np.zeros(len(self.weight), np.float32) if bias is None else np.asarray(bias, dtype=np.float32)
        self.space: Space = space
        self.scale = float(scale)
        self.unit_norm = unit_norm
        self.report = report or FitReport()

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        features: FloatArray = getattr(images.features, self.space)
        scores = np.empty((len(features), len(self.weight)), dtype=np.float32)
        for start in range(0, len(features), _ROWS):
            x = features[start : start + _ROWS]
            if self.unit_norm:
                x = normalise(x)
            scores[start : start + _ROWS] = self.scale * (x @ self.weight.T) + self.bias
        return scores

    def as_head(self) -> "Head":
        """See `Predictor.as_head`."""
        from workbench.recipes.heads import LinearHead

        return LinearHead(self.bias, **{self.space: self.scale * self.weight}, unit_norm=self.unit_norm)

    def save(self, directory: Path) -> None:
        """Write `linear.safetensors` and `linear.json`."""
        from safetensors.numpy import save_file

        save_file({"weight": self.weight, "bias": self.bias}, directory / "linear.safetensors")
        settings = {"space": self.space, "scale": self.scale, "unit_norm": self.unit_norm}
        (directory / "linear.json").write_text(json.dumps(settings), encoding="utf-8")

    @classmethod
    def restore(cls, directory: Path) -> Self:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        tensors = load_file(directory / "linear.safetensors")
        settings: dict[str, Any] = json.loads((directory / "linear.json").read_text(encoding="utf-8"))
        return cls(tensors["weight"], tensors["bias"], **settings)
