"""The base of all recipes. A recipe subclasses the capabilities of the tasks that it can fit."""

from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from workbench.recipes.inference import Inference


class RecipeConfig(BaseModel):
    """Base of a recipe's settings: unknown keys are errors, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def files(self) -> tuple[str, ...]:
        """Paths of files that the settings name; their content is part of the run key."""
        return ()


C = TypeVar("C", bound=RecipeConfig)


class Recipe(Generic[C]):
    """A way of adapting, or not adapting, a pretrained model.

    Subclass a capability (`ClassificationRecipe`, `ImageTextRecipe`, or that of another task; or several), set the
    class variables, write its `fit`, and register the class under `workbench.recipes`. The engine builds it with a
    validated config, gives it training and validation data, and lets the returned predictor predict the test split. A
    recipe never sees the test split.

    Attributes:
        version: Raise it when results change; part of the run key.
        Config: The settings' model.
        reads: `nothing` (labels alone), `features`, or `images` (the network is loaded).
        trains: Whether training images are used. If not, shots and seeds make no difference and are not swept.
        stochastic: Whether the seed changes the result beyond the choice of few-shot images.
        zero_shots: Of a recipe that trains, whether it can do so without any labelled image (`shots = 0`), too.
        inference: What its predictor knows of other test images; see `Inference`. Where the settings decide, that of
            the defaults; `inference_of` says more.
        unlabelled: Whether it asks for images without labels (`ClassificationTask.unlabelled`); see `inference`.
    """

    version: ClassVar[str] = "1"
    Config: ClassVar[type[RecipeConfig]] = RecipeConfig
    reads: ClassVar[Literal["nothing", "features", "images"]] = "features"
    trains: ClassVar[bool] = True
    stochastic: ClassVar[bool] = False
    zero_shots: ClassVar[bool] = False
    inference: ClassVar[Inference] = "inductive"
    unlabelled: ClassVar[bool] = False

    def __init__(self, config: C) -> None:
        self.config = config

    @classmethod
    def uses_labels(cls, config: C) -> bool:  # noqa: ARG003
        """`trains` under some settings; override it where they decide."""
        return cls.trains

    @classmethod
    def inference_of(cls, config: C) -> Inference:  # noqa: ARG003
        """The inference under some settings; override it where they decide."""
        return cls.inference

    @classmethod
    def uses_unlabelled(cls, config: C) -> bool:  # noqa: ARG003
        """Whether it asks for images without labels under some settings; override it where they decide."""
        return cls.unlabelled
