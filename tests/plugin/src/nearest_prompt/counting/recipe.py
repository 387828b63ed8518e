"""The capability of recipes that count, and what they return."""

from abc import ABC, abstractmethod
from pathlib import Path

from nearest_prompt.counting.given import CountTask
from workbench.plugin import Fitted, FloatArray, ImageSet, Recipe, RecipeConfig, TaskModel


class Counter(Fitted, ABC):
    """Counts. The count of an image does not depend on the batch it comes in."""

    @abstractmethod
    def counts(self, images: ImageSet) -> FloatArray:
        """How many things each image shows, float (n,); need not be whole."""


class CountRecipe(Recipe[RecipeConfig], ABC):
    """A recipe that counts."""

    @abstractmethod
    def fit_count(self, task: CountTask) -> Counter:
        """Adapt to the task; every choice is made on `task.val`."""

    @classmethod
    @abstractmethod
    def restore_count(cls, directory: Path, model: TaskModel, device: str) -> Counter:
        """Rebuild a counter from what its `save` wrote."""
