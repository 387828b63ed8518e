"""What a recipe returns: something that scores images, reports how it was fitted, and can be saved."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from workbench.arrays import FloatArray, normalise
from workbench.errors import RecipeError
from workbench.tasks.images import ImageSet
from workbench.tasks.model import TaskModel

if TYPE_CHECKING:
    from workbench.models import LoadedModel

Scalar = str | int | float | bool
Space = Literal["pooled", "projected"]


@dataclass(frozen=True)
class FitReport:
    """How a predictor came to be; it goes into the run record.

    Attributes:
        chosen: Hyper-parameters chosen on validation.
        trials: Everything that was tried, one mapping each, with its validation score.
        trainable_parameters: Number of parameters that were fitted.
        history: Per-epoch values by name (`train_loss`, `val_accuracy`).
        notes: Sentences the reader of the run must know.
    """

    chosen: dict[str, Scalar] = field(default_factory=dict)
    trials: list[dict[str, Scalar]] = field(default_factory=list)
    trainable_parameters: int = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Fitted:
    """What every task's predictor has.

    Attributes:
        report: How it was fitted.
        scale: What multiplied the similarities to make the scores logits; 1 where they are logits by construction.
    """

    report: FitReport = FitReport()
    scale: float = 1.0

    def save(self, directory: Path) -> None:
        """Write weights and what else `Recipe.restore` needs into an existing, empty directory."""
        raise NotImplementedError(f"{type(self).__name__} cannot be saved")

    def merged(self, model: TaskModel) -> "LoadedModel":  # noqa: ARG002
        """The network with what was learned merged into it, for export as a stock checkpoint.

        Raises:
            RecipeError: The recipe changes no weights of the network.
        """
        raise RecipeError(
            f"{type(self).__name__} changes no weights of the network; there is nothing to merge or export."
        )


class Predictor(Fitted, ABC):
    """Scores images. Scores of an image do not depend on the batch it comes in."""

    @abstractmethod
    def scores(self, images: ImageSet) -> FloatArray:
        """Logits, shape (len(images), n_classes): softmax gives probabilities, sigmoid where multi-label."""


class LinearClassifier(Predictor):
    """`scores = scale * features @ weight.T + bias` on features of unit norm (or raw ones).

    Zero-shot, linear probes and most feature recipes end here; it saves and restores itself.

    Args:
        weight: (n_classes, d).
        bias: (n_classes,) or None.
        space: Which features it reads.
        scale: Multiplier of the product.
        unit_norm: Whether features are normalised first.
        report: How it was fitted.
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
        x: FloatArray = getattr(images.features, self.space)
        if self.unit_norm:
            x = normalise(x)
        return np.asarray(self.scale * (x @ self.weight.T) + self.bias, dtype=np.float32)

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
