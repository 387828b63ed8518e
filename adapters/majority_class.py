"""The baseline that looks at no image: every table carries a row of it."""

import json
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from workbench.plugin import (
    ClassificationRecipe,
    ClassificationTask,
    FitReport,
    FloatArray,
    ImageSet,
    Predictor,
    RecipeConfig,
    TaskModel,
)


class MajorityClass(ClassificationRecipe[RecipeConfig]):
    """Score every image with the training split's class frequencies (add-one smoothed)."""

    reads: ClassVar[Literal["nothing", "features", "images"]] = "nothing"
    multi_label: ClassVar[bool] = True
    masks_labels: ClassVar[bool] = True
    unseen: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> Predictor:
        """Count labels; a frequency is (count + 1) / (n + number of outcomes)."""
        labels = task.train.labels
        if task.multi_label:
            frequency = (np.nansum(labels, axis=0) + 1) / ((~np.isnan(labels)).sum(axis=0) + 2)
            logits = np.log(frequency) - np.log1p(-frequency)
        else:
            logits = np.log((np.bincount(labels, minlength=task.n_classes) + 1) / (len(labels) + task.n_classes))
        return ConstantScores(logits.astype(np.float32))

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        values = json.loads((directory / "constant.json").read_text(encoding="utf-8"))
        return ConstantScores(np.asarray(values, dtype=np.float32))


class ConstantScores(Predictor):
    """The same logits for every image, shape (n_classes,)."""

    def __init__(self, logits: FloatArray) -> None:
        self.logits = logits
        self.report = FitReport()

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        return np.tile(self.logits, (len(images), 1))

    def save(self, directory: Path) -> None:
        """Write `constant.json`."""
        (directory / "constant.json").write_text(json.dumps(self.logits.tolist()), encoding="utf-8")
