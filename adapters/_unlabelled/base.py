"""A recipe that another recipe fits: its name, its settings, its predictor."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, ValidationError, model_validator

from workbench.plugin import ClassificationRecipe, ClassificationTask, Predictor, RecipeConfig, RecipeError, TaskModel

Bases = Mapping[str, type[ClassificationRecipe[Any]]]


class BaseConfig(RecipeConfig):
    """Settings of a recipe that fits another.

    Attributes:
        bases: Those that it can fit, by name.
        base: The recipe that is fitted.
        base_settings: Its settings.
    """

    bases: ClassVar[Bases] = {}

    base: str
    base_settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _base_takes_its_settings(self) -> Self:
        try:
            self.bases[self.base].Config.model_validate(self.base_settings)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise ValueError(f"base_settings of {self.base!r}: {key}: {first['msg']}") from error
        return self

    def fitted(self, task: ClassificationTask) -> Predictor:
        """The base's predictor for a task."""
        recipe = self.bases[self.base]
        return _of_single_images(recipe(recipe.Config.model_validate(self.base_settings)).fit(task))


def restored(bases: Bases, name: str, directory: Path, model: TaskModel, device: str) -> Predictor:
    """The predictor of a base from what its `save` wrote."""
    return _of_single_images(bases[name].restore(directory, model, device))


def _of_single_images(predictor: object) -> Predictor:
    if not isinstance(predictor, Predictor):
        raise RecipeError(f"a {type(predictor).__name__} is no predictor of single images, which a base must be.")
    return predictor
