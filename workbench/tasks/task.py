"""The base class of tasks: all that the engine needs to know of one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.datasets.card import DatasetCard
from workbench.errors import RecipeError
from workbench.features.regions import Surroundings
from workbench.recipes import Fitted, Recipe, RunSpec
from workbench.tasks.predictions import Predictions

if TYPE_CHECKING:
    from workbench.arrays import FloatArray, IntArray
    from workbench.datasets import Dataset
    from workbench.images import ImageSet
    from workbench.models.task_model import TaskModel
    from workbench.tasks.data import Progress, TaskData
    from workbench.tasks.split_rows import SplitRows

Answer = Mapping[str, Any]
"""A run's answer for one unlabelled image: column to value."""


class Task:
    """The task of a run, as tables and reports describe it.

    Attributes:
        in_tables: Metrics that tables show beside the primary one, the most important first.
        items: Noun phrase for the test items, for reports.
        shots_are: Noun phrase for what a number of shots counts, for reports.
        names_classes: Whether items are images with classes: datasets that differ only in the names of classes have the
            same items then.
        Result: The class of a run's predictions; None where runs have no test items in common, so that they cannot be
            compared.
    """

    in_tables: ClassVar[tuple[str, ...]] = ()
    items: ClassVar[str] = "items"
    shots_are: ClassVar[str] = "shots"
    names_classes: ClassVar[bool] = False
    Result: ClassVar[type[Predictions] | None] = None


class DatasetTask(Task, ABC):
    """A task on datasets. Subclass it and register the class under `workbench.tasks`.

    The name of the entry point is what cards write as `task`. The class itself says what holds for every dataset; an
    instance is the task on one dataset with one model.

    Args:
        data: The dataset, the model, and the features.

    Attributes:
        Card: The cards of its datasets: columns, rules, metrics.
        Capability: The class that a recipe subclasses to do it.
        answers: Whether a run can answer for single images, see `answer`.
        answers_texts: Whether it can where texts come with the images, see `answer_texts`.
        answers_boxes: Whether it picks boxes where texts come with an image, see `score_boxes`.
    """

    answers: ClassVar[bool] = False
    answers_texts: ClassVar[bool] = False
    answers_boxes: ClassVar[bool] = False
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
        """The rows of a run, unreadable ones included; few-shot samples are of images whose files have content.

        Raises:
            DataError: The dataset lacks a split that the run needs.
        """

    def count_missing(self, rows: "IntArray") -> int:
        """Number of images, or cut-outs of images, of some rows whose features the store lacks."""
        return self.data.count_missing(rows)

    def prepare(self, rows: "IntArray", progress: "Progress | None" = None) -> None:
        """Compute the features of rows that the store lacks, and note which images are unreadable."""
        self.data.prepare(rows, progress)

    def prepare_more(
        self, recipe: Recipe[Any], rows: "SplitRows", progress: "Progress | None" = None
    ) -> None:  # fmt: skip
        """Compute further features that a recipe will ask for, of readable rows."""

    def notes(self, rows: "SplitRows") -> list[str]:  # noqa: ARG002
        """Notes on the items of a run over these rows, for its readers."""
        return []

    @abstractmethod
    def given(self, spec: RunSpec, rows: "SplitRows", *, refit: bool) -> Any:
        """The data that the recipe gets, without test rows."""

    @abstractmethod
    def fit(self, recipe: Any, given: Sequence[Any]) -> Sequence[Fitted]:
        """Let a recipe fit runs that `batches` puts together; one predictor for each."""

    @classmethod
    @abstractmethod
    def restore(cls, recipe: type[Any], directory: Path, model: "TaskModel", device: str) -> Fitted:
        """Rebuild a predictor that the recipe has saved."""

    @abstractmethod
    def predict(self, predictor: Fitted, rows: "IntArray", recipe: str) -> Predictions:
        """Predict the test items. The predictor gets neither labels nor pairs.

        Args:
            predictor: The recipe's predictor.
            rows: Readable test rows.
            recipe: Its name, for errors.

        Raises:
            RecipeError: It is no predictor for this task, or its answer does not fit.
            DataError: The test split has no item.
        """

    @classmethod
    def answer(
        cls, predictor: Fitted, images: "ImageSet", config: Mapping[str, Any], top: int  # noqa: ARG003
    ) -> list[Answer]:  # fmt: skip
        """Apply a predictor to unlabelled images; for tasks whose runs can answer for single images.

        Args:
            predictor: Restored.
            images: The images.
            config: The run's `config.json`.
            top: Number of answers to give where there are several.
        """
        raise RecipeError("the task says nothing of an image by itself.")

    @classmethod
    def answer_texts(
        cls, predictor: Fitted, images: "ImageSet", texts: Sequence[str], card: DatasetCard, top: int  # noqa: ARG003
    ) -> list[Answer]:  # fmt: skip
        """Apply a predictor to images and texts, each text with each image.

        Args:
            predictor: Restored.
            images: The images.
            texts: At least one, all different.
            card: The run's.
            top: Number of texts to name for an image.

        Returns:
            One answer an image.
        """
        raise RecipeError("the task compares no images with texts.")

    @classmethod
    def score_boxes(
        cls, predictor: Fitted, regions: "ImageSet", texts: Sequence[str], model: "TaskModel"  # noqa: ARG003
    ) -> "FloatArray":  # fmt: skip
        """How well texts fit the parts of one picture.

        Args:
            predictor: Restored.
            regions: n cut-outs of a picture, which have `places`.
            texts: m texts.
            model: The run's.

        Returns:
            Logits, float32 (m, n).

        Raises:
            RecipeError: The predictor cannot; says why.
        """
        raise RecipeError("the task compares no texts with parts of an image.")

    @classmethod
    def surroundings(cls, card: DatasetCard) -> "Surroundings":  # noqa: ARG003
        """How parts of a picture are cut out for `score_boxes`."""
        return Surroundings()

    def figures(self, predictions: Predictions, folder: Path) -> None:
        """Draw a run's figures into a new folder; none by default."""
