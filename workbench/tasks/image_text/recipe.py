"""The capability of recipes that compare images with texts, or describe images."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from workbench.models.task_model import TaskModel
from workbench.recipes import Fitted
from workbench.recipes.recipe import C, Recipe
from workbench.tasks.image_text.dual_encoder import LinearDualEncoder
from workbench.tasks.image_text.given import ImageTextTask


class ImageTextRecipe(Recipe[C], ABC):
    """A recipe for tasks on images and texts.

    Attributes:
        fits: The tasks that it does, as the classes of `fit_image_text`'s argument, for example
            `(RetrievalTask, MatchingTask)`.
    """

    fits: ClassVar[tuple[type[ImageTextTask], ...]]

    @abstractmethod
    def fit_image_text(self, task: ImageTextTask) -> Fitted:
        """Adapt to a task of one of the classes in `fits`.

        Returns:
            A `DualEncoderPredictor`, whose embeddings the engine compares; for matching and grounding also a
            `PairScorer`; for captioning a `Captioner`.
        """

    def tiles(self, task: type[ImageTextTask]) -> int:  # noqa: ARG002
        """The n that it and its predictor call `ImageSet.tiles` with on a task's images; 0 where they do not.

        The engine computes those features before it calls `fit_image_text`, and shows how far it is.
        """
        return 0

    @classmethod
    def restore_image_text(cls, directory: Path, model: TaskModel, device: str) -> Fitted:  # noqa: ARG003
        """Rebuild a predictor from what its `save` wrote; override it where that is not a `LinearDualEncoder`."""
        return LinearDualEncoder.restore(directory, model)
