"""The task: say how many things an image shows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nearest_prompt.counting.card import CountingCard, counts_of
from nearest_prompt.counting.given import CountedImages, CountTask
from nearest_prompt.counting.predictions import CountPredictions
from nearest_prompt.counting.recipe import Counter, CountRecipe
from workbench.plugin import (
    Answer,
    DatasetCard,
    DatasetTask,
    Fitted,
    FloatArray,
    ImageSet,
    Predictions,
    Recipe,
    RecipeError,
    RunSpec,
    SplitRows,
    TaskModel,
)


class Counting(DatasetTask):
    """See the module."""

    Card: ClassVar[type[DatasetCard]] = CountingCard
    Capability: ClassVar[type[Recipe[Any]]] = CountRecipe
    Result: ClassVar[type[Predictions]] = CountPredictions
    answers: ClassVar[bool] = True
    items: ClassVar[str] = "images with a count in counting"
    shots_are: ClassVar[str] = "training images in all (shots)"
    in_tables: ClassVar[tuple[str, ...]] = ("mean_absolute_error", "r2")

    def rows(self, spec: RunSpec) -> SplitRows:
        """Shots are training images in all, since there are no classes."""
        return self.data.total_shots(spec, spec.shots)

    def given(self, spec: RunSpec, rows: SplitRows, *, refit: bool) -> CountTask:
        """See `DatasetTask.given`."""
        train, val = (
            CountedImages(self.data.images(part, unseen=rows.labels_only), counts_of(self.data.dataset, part))
            for part in (rows.train, rows.val)
        )
        return CountTask(train, val, self.data.model, spec.shots, spec.seed, self.data.device, refit)

    def fit(self, recipe: Any, given: Sequence[Any]) -> Sequence[Fitted]:
        """See `DatasetTask.fit`."""
        return [recipe.fit_count(own) for own in given]

    @classmethod
    def restore(cls, recipe: type[Any], directory: Path, model: TaskModel, device: str) -> Fitted:
        """See `DatasetTask.restore`."""
        return recipe.restore_count(directory, model, device)

    def predict(self, predictor: Fitted, rows, recipe: str) -> CountPredictions:
        """See `DatasetTask.predict`."""
        counts = _counted(predictor, self.data.images(rows), f"recipe {recipe!r}")
        dataset = self.data.dataset
        return CountPredictions(dataset.ids(rows), dataset.group_names(rows), counts_of(dataset, rows), counts)

    @classmethod
    def answer(cls, predictor: Fitted, images: ImageSet, config: Mapping[str, Any], top: int) -> list[Answer]:
        """A count for each image."""
        return [{"count": round(float(count), 3)} for count in _counted(predictor, images, "the run")]


def _counted(predictor: Fitted, images: ImageSet, who: str) -> FloatArray:
    if not isinstance(predictor, Counter):
        raise RecipeError(f"{who} gave a {type(predictor).__name__}, expected a Counter.")
    counts = np.asarray(predictor.counts(images), np.float64)
    if counts.shape != (len(images),) or not np.isfinite(counts).all():
        raise RecipeError(f"{who} gave counts of shape {counts.shape}, expected {len(images)} finite numbers.")
    return counts
