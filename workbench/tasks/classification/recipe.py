"""The capability of recipes that classify."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from workbench.datasets.prompts import ClassPrompts, PromptKind
from workbench.models.task_model import TaskModel
from workbench.recipes.recipe import C, Recipe
from workbench.tasks.classification.given import ClassificationTask
from workbench.tasks.classification.online import OnlinePredictor
from workbench.tasks.classification.predictor import LinearClassifier, Predictor


class ClassificationRecipe(Recipe[C], ABC):
    """A recipe that classifies images.

    Attributes:
        multi_label: Whether it can do several labels an image.
        masks_labels: Whether it can fit labels of which some are not known; see `LabelledImages.labels`.
        unseen: Whether it can recognise the classes of `ClassificationTask.unseen`, which have no training image.
        chooses_thresholds: Whether it chooses a threshold for each of several labels an image. It is then given
            validation images where it is given no shots, too.
        scores_by_text: Whether its predictors can be given other classes than they were fitted on, see `for_classes`.
    """

    multi_label: ClassVar[bool] = False
    masks_labels: ClassVar[bool] = False
    unseen: ClassVar[bool] = False
    chooses_thresholds: ClassVar[bool] = False
    scores_by_text: ClassVar[bool] = False

    @abstractmethod
    def fit(self, task: ClassificationTask) -> Predictor | OnlinePredictor:
        """Adapt to the task; hyper-parameters and early stopping on `task.val` only."""

    def fit_many(self, tasks: Sequence[ClassificationTask]) -> Sequence[Predictor | OnlinePredictor]:
        """Fit several tasks of one dataset and model, which differ in shots and seed; override to batch them."""
        return [self.fit(task) for task in tasks]

    def for_classes(
        self, predictor: Predictor, prompts: ClassPrompts, model: TaskModel, device: str  # noqa: ARG002
    ) -> Predictor:  # fmt: skip
        """A fitted predictor with other classes, of recipes that say `scores_by_text`.

        Args:
            predictor: From `fit`.
            prompts: The other classes; of those sentences that the settings name (`prompts`), or of all templates.
            model: The model of the fit.
            device: Where a network is to be, as in `ClassificationTask.device`.

        Returns:
            A predictor of the same kind, which saves itself with the other classes.
        """
        kind: PromptKind = getattr(self.config, "prompts", "ensemble")
        other = predictor.for_classes(prompts.sentences(kind), model)
        other.report = predictor.report
        return other

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor | OnlinePredictor:  # noqa: ARG003
        """Rebuild a predictor from what its `save` wrote; override it where that is not a `LinearClassifier`."""
        return LinearClassifier.restore(directory)
