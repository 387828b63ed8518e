"""The base of all predictors that recipes return: they report how they were fitted, and can be saved."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import RecipeError

if TYPE_CHECKING:
    from workbench.models import LoadedModel
    from workbench.models.task_model import TaskModel

Scalar = str | int | float | bool


@dataclass(frozen=True)
class FitReport:
    """The report of a fit; it goes into the run record.

    Attributes:
        chosen: Hyper-parameters chosen on validation.
        trials: All trials, one mapping each, with its validation score.
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
    """The base of every task's predictor.

    Attributes:
        scale: The factor that makes similarities logits; 1 where they are logits by construction.
    """

    scale: float = 1.0

    @property
    def report(self) -> FitReport:
        """The report of its fit; empty until it is set."""
        fit_report: FitReport = self.__dict__.setdefault("_report", FitReport())
        return fit_report

    @report.setter
    def report(self, report: FitReport) -> None:
        self.__dict__["_report"] = report

    def save(self, directory: Path) -> None:
        """Write weights, and all else that `restore` needs, into an existing, empty directory."""
        raise NotImplementedError(f"{type(self).__name__} cannot be saved")

    def merged(self, model: "TaskModel") -> "LoadedModel":  # noqa: ARG002
        """The network with what was learned merged into it, for export as a stock checkpoint.

        Raises:
            RecipeError: The recipe changes no weights of the network.
        """
        raise RecipeError(
            f"{type(self).__name__} changes no weights of the network; there is nothing to merge or export."
        )
