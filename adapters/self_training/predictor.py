"""The predictor of the recipe that was fitted on pseudo-labels, saved with the recipe's name."""

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.plugin import FitReport, FloatArray, ImageSet, Predictor, TaskModel

if TYPE_CHECKING:
    from workbench.plugin import Head, LoadedModel

_NAME, _FITTED = "recipe.txt", "fitted"


class SelfTrained(Predictor):
    """Answers as the fitted predictor does.

    Args:
        name: Of the recipe that fitted it.
        fitted: Its predictor.
        report: What became of the rounds.
    """

    def __init__(self, name: str, fitted: Predictor, report: FitReport | None = None) -> None:
        self.name, self.fitted = name, fitted
        self.scale = fitted.scale
        self.report = report or FitReport()

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        return self.fitted.scores(images)

    def save(self, directory: Path) -> None:
        """Write `recipe.txt`, and the predictor into `fitted`."""
        (directory / _NAME).write_text(self.name, encoding="utf-8")
        (directory / _FITTED).mkdir()
        self.fitted.save(directory / _FITTED)

    def as_head(self) -> "Head":
        """See `Predictor.as_head`."""
        return self.fitted.as_head()

    def tower(self, model: TaskModel) -> "LoadedModel | None":
        """See `Predictor.tower`."""
        return self.fitted.tower(model)

    def in_fp32(self) -> "SelfTrained":
        """See `Predictor.in_fp32`."""
        return SelfTrained(self.name, self.fitted.in_fp32(), self.report)

    def merged(self, model: TaskModel) -> "LoadedModel":
        """See `Fitted.merged`."""
        return self.fitted.merged(model)


def saved_name(directory: Path) -> str:
    """The recipe whose predictor lies in a folder that `save` wrote."""
    return (directory / _NAME).read_text(encoding="utf-8")


def saved_part(directory: Path) -> Path:
    """Where that predictor lies."""
    return directory / _FITTED
