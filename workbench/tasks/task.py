"""What a task is: one class that says all that the engine needs to know of what is asked."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.datasets.card import DatasetCard
from workbench.errors import RecipeError
from workbench.recipes import Fitted, Recipe, RunSpec
from workbench.tasks.predictions import Predictions

if TYPE_CHECKING:
    from workbench.arrays import IntArray
    from workbench.datasets import Dataset
    from workbench.images import ImageSet
    from workbench.models.task_model import TaskModel
    from workbench.tasks.data import Progress, SplitRows, TaskData

Answer = Mapping[str, Any]
"""What a run says of one unlabelled image: column to value."""


class Task:
    """What was asked in a run, as tables and reports speak of it.

    Attributes:
        in_tables: Metrics that tables show beside the primary one, the most telling first.
        items: What the test items are, in words, for reports.
        shots_are: What a number of shots counts, in words, for reports.
        names_classes: Whether items are images with classes: datasets that only call the classes otherwise have the
            same items then.
        Result: What a run says about the test items; None where runs have no test items in common, so that they
            cannot be compared.
    """

    in_tables: ClassVar[tuple[str, ...]] = ()
    items: ClassVar[str] = "items"
    shots_are: ClassVar[str] = "shots"
    names_classes: ClassVar[bool] = False
    Result: ClassVar[type[Predictions] | None] = None


class DatasetTask(Task, ABC):
    """What is asked of a dataset. Subclass it and register the class under `workbench.tasks`.

    The name of the entry point is what cards write as `task`. The class itself says what holds for every dataset; an
    instance is the task on one dataset with one model.

    Args:
        data: The dataset, the model, and the features.

    Attributes:
        Card: The cards of its datasets: columns, rules, metrics.
        Capability: The class that a recipe subclasses to do it.
        answers: Whether a run says something of an image by itself, see `answer`.
    """

    answers: ClassVar[bool] = False
    Card: ClassVar[type[DatasetCard]]
    Capability: ClassVar[type[Recipe[Any]]]
    Result: ClassVar[type[Predictions]]

    def __init__(self, data: "TaskData") -> None:
        self.data = data

    @classmethod
    def does(cls, recipe: type[Recipe[Any]]) -> bool:
        """Whether a recipe can do the task."""
        return issubclass(recipe, cls.Capability)

    @classmethod
    def refuse(cls, spec: RunSpec, dataset: "Dataset") -> str | None:  # noqa: ARG003
        """Why a recipe that does the task cannot be run on a dataset, in a sentence; None if it can."""
        return None

    @classmethod
    def batches(cls, recipe: type[Recipe[Any]]) -> bool:  # noqa: ARG003
        """Whether the recipe is to be given runs that differ in shots and seed together."""
        return False

    @abstractmethod
    def rows(self, spec: RunSpec) -> "SplitRows":
        """The rows that a run asks for, unreadable ones included; few-shot samples are of images that are there.

        Raises:
            DataError: The dataset lacks a split that the run needs.
        """

    def prepare(self, rows: "IntArray", progress: "Progress | None" = None) -> None:
        """Compute the features of rows that the store lacks, and note which images are unreadable."""
        self.data.prepare(rows, progress)

    def prepare_more(
        self, recipe: Recipe[Any], rows: "SplitRows", progress: "Progress | None" = None
    ) -> None:  # fmt: skip
        """Compute what else a recipe will ask for, of readable rows."""

    def notes(self, rows: "SplitRows") -> list[str]:  # noqa: ARG002
        """What a reader of a run over these rows must know of its items."""
        return []

    @abstractmethod
    def given(self, spec: RunSpec, rows: "SplitRows", *, refit: bool) -> Any:
        """What the recipe is given. Test rows are not in it."""

    @abstractmethod
    def fit(self, recipe: Any, given: Sequence[Any]) -> Sequence[Fitted]:
        """Let a recipe fit runs that `batches` puts together; one predictor for each."""

    @classmethod
    @abstractmethod
    def restore(cls, recipe: type[Any], directory: Path, model: "TaskModel", device: str) -> Fitted:
        """Rebuild a predictor that the recipe has saved."""

    @abstractmethod
    def predict(self, predictor: Fitted, rows: "IntArray", recipe: str) -> Predictions:
        """Ask a fitted predictor about test items; it is told neither labels nor what belongs together.

        Args:
            predictor: What the recipe returned.
            rows: Readable test rows.
            recipe: Its name, for errors.

        Raises:
            RecipeError: It is no predictor for this task, or its answer does not fit.
            DataError: The test split has nothing to ask.
        """

    @classmethod
    def answer(
        cls, predictor: Fitted, images: "ImageSet", config: Mapping[str, Any], top: int  # noqa: ARG003
    ) -> list[Answer]:  # fmt: skip
        """Apply a predictor to unlabelled images; for tasks of which a run says something of an image by itself.

        Args:
            predictor: Restored.
            images: The images.
            config: The run's `config.json`.
            top: How many answers to give where there are several.
        """
        raise RecipeError("the task says nothing of an image by itself.")

    def figures(self, predictions: Predictions, folder: Path) -> None:
        """Draw what belongs to a run into a new folder; nothing by default."""
