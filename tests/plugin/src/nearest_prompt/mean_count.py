"""Always the mean of the training counts: what a recipe has to beat. It looks at no image."""

import json
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from nearest_prompt.counting.given import CountTask
from nearest_prompt.counting.recipe import Counter, CountRecipe
from workbench.plugin import FloatArray, ImageSet, TaskModel


class MeanCount(CountRecipe):
    """See the module."""

    reads: ClassVar[Literal["nothing", "features", "images"]] = "nothing"

    def fit_count(self, task: CountTask) -> Counter:
        """See `CountRecipe.fit_count`."""
        return Constant(float(task.train.counts.mean()))

    @classmethod
    def restore_count(cls, directory: Path, model: TaskModel, device: str) -> Counter:
        """See `CountRecipe.restore_count`."""
        return Constant(json.loads((directory / "mean.json").read_text(encoding="utf-8")))


class Constant(Counter):
    """The same count for every image."""

    def __init__(self, value: float) -> None:
        self.value = value

    def counts(self, images: ImageSet) -> FloatArray:
        """See `Counter.counts`."""
        return np.full(len(images), self.value)

    def save(self, directory: Path) -> None:
        """Write `mean.json`."""
        (directory / "mean.json").write_text(json.dumps(self.value), encoding="utf-8")
