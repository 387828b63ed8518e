"""The common part of matching and grounding: a predictor scores candidates in random orders."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.errors import DataError, RecipeError
from workbench.recipes import Fitted
from workbench.tasks.choices.builder import ItemNames
from workbench.tasks.choices.candidates import Choices
from workbench.tasks.choices.pair_scorer import PairScorer
from workbench.tasks.choices.predictions import ChoicePredictions
from workbench.tasks.choices.scoring import candidate_scores
from workbench.tasks.image_text.dual_encoder import DualEncoderPredictor
from workbench.tasks.image_text.task import ImageText

if TYPE_CHECKING:
    from workbench.arrays import IntArray


class ChoiceTask(ImageText):
    """Base of the tasks that pick the best of candidates."""

    in_tables: ClassVar[tuple[str, ...]] = ("text_score", "image_score", "accuracy", "auroc")

    @abstractmethod
    def choices(self, rows: "IntArray", *, unseen: bool = False) -> tuple[Choices, ItemNames]:
        """Items, and their names. For `unseen` see `TaskData.images`."""

    def extra_fields(self) -> dict[str, Any]:
        """Further fields of the predictions, besides items and scores."""
        return {}

    def predict(self, predictor: Fitted, rows: "IntArray", recipe: str) -> ChoicePredictions:
        """See `DatasetTask.predict`. Cards name the right candidate first, so a `PairScorer` is shown random orders."""
        if not isinstance(predictor, DualEncoderPredictor | PairScorer):
            raise RecipeError(
                f"recipe {recipe!r} gave a {type(predictor).__name__}, expected a DualEncoderPredictor or PairScorer."
            )
        data, names = self.choices(rows)
        if not len(data):
            raise DataError(f"dataset {self.data.dataset.name!r}: no test image has anything to choose from.")
        scores = candidate_scores(predictor, data.candidates, recipe)
        cuts = data.starts[1:]
        kind: Any = self.Result
        predictions: ChoicePredictions = kind(
            ids=names.ids,
            images=names.images,
            texts=names.texts,
            groups=names.groups,
            categories=data.categories,
            scores=np.split(scores, cuts),
            is_correct=np.split(data.is_correct, cuts),
            **self.extra_fields(),
        )
        return predictions
