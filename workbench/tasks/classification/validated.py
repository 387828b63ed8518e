"""A predictor with what was chosen for it on validation images."""

import json
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import BoolArray, FloatArray
from workbench.formatting import counted
from workbench.images import ImageSet
from workbench.metrics.keys import metric_keys
from workbench.metrics.unknown import SCORES
from workbench.recipes import FitReport
from workbench.recipes.fitted import Scalar
from workbench.tasks.classification.choices import Choices
from workbench.tasks.classification.predictor import Predictor
from workbench.tasks.classification.unknown_items import taken_for_known
from workbench.tasks.classification.validation_scores import ValidationScores

if TYPE_CHECKING:
    from workbench.models import LoadedModel
    from workbench.models.task_model import TaskModel
    from workbench.recipes.heads import Head

CHOICES = "choices.json"


class ValidatedPredictor(Predictor):
    """Calibrates the scores of a recipe's predictor where that was chosen, and keeps the other choices beside it.

    Args:
        inner: The recipe's own.
        choices: Made on validation images.
        validation: What they were made on; None where it was restored.
    """

    def __init__(self, inner: Predictor, choices: Choices, validation: ValidationScores | None = None) -> None:
        self.inner, self.choices, self.validation = inner, choices, validation
        self.report, self.scale = _with_choices(inner.report, choices), inner.scale

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        given = np.asarray(self.inner.scores(images), dtype=np.float32)
        return given if self.choices.calibration is None else self.choices.calibration(given)

    def known(self, scores: FloatArray) -> BoolArray | None:
        """Whether images are taken for ones of known classes, bool (n,); None where no threshold was chosen.

        See `taken_for_known`.

        Args:
            scores: (n, c), from `scores`.
        """
        choices = self.choices
        return taken_for_known(scores, self.inner.scale, choices.known_thresholds, choices.calibration)

    def as_head(self) -> "Head":
        """See `Predictor.as_head`; calibration is part of it."""
        head, calibration = self.inner.as_head(), self.choices.calibration
        if calibration is None:
            return head
        from workbench.recipes.heads import AffineHead

        return AffineHead(head, np.asarray(calibration.factor), np.asarray(calibration.offset))

    def tower(self, model: "TaskModel") -> "LoadedModel | None":
        """See `Predictor.tower`."""
        return self.inner.tower(model)

    def in_fp32(self) -> Predictor:
        """See `Predictor.in_fp32`."""
        return ValidatedPredictor(self.inner.in_fp32(), self.choices)

    def save(self, directory: Path) -> None:
        """As the recipe's predictor does, and the choices."""
        self.inner.save(directory)
        (directory / CHOICES).write_text(json.dumps(self.choices.to_dict()), encoding="utf-8")

    def merged(self, model: "TaskModel") -> "LoadedModel":
        """See `Fitted.merged`; what was chosen is no part of the network."""
        return self.inner.merged(model)


def _with_choices(report: FitReport, choices: Choices) -> FitReport:
    chosen: dict[str, Scalar] = dict(report.chosen)
    if choices.join is not None:
        chosen["join"] = choices.join
    if choices.calibration is not None and len(set(choices.calibration.factor)) == 1:
        chosen["temperature"] = round(1 / choices.calibration.factor[0], 4)
    chosen |= {
        f"threshold_{point}": round(threshold, 4)
        for point, threshold in zip(metric_keys(choices.points), choices.thresholds, strict=True)
    }
    chosen |= {
        f"threshold_known_{name}": round(threshold, 4)
        for name, threshold in zip(SCORES, choices.known_thresholds, strict=False)
        if not isnan(threshold)
    }
    if choices.backoff is not None:
        chosen["threshold_backoff"] = round(choices.backoff, 4)
    note = (
        f"{counted(choices.images, 'validation image')} are kept from fitting, and choose what [decisions] or "
        "splits.unknown of the card ask for."
    )
    return replace(report, chosen=chosen, notes=(*report.notes, note))


def restored(inner: Predictor, directory: Path) -> Predictor:
    """A recipe's predictor with the choices that were saved beside it, if any."""
    path = directory / CHOICES
    if not path.exists():
        return inner
    return ValidatedPredictor(inner, Choices.from_dict(json.loads(path.read_text(encoding="utf-8"))))
