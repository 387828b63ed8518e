"""The contract of a recipe: a way of adapting, or not adapting, a pretrained model to a task."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from workbench.errors import RecipeError
from workbench.recipes.captioner import Captioner
from workbench.recipes.dual_encoder import DualEncoderPredictor, LinearDualEncoder
from workbench.recipes.pair_scorer import PairScorer
from workbench.recipes.predictor import LinearClassifier, Predictor
from workbench.tasks import ClassificationTask, JointTask, TaskModel


class RecipeConfig(BaseModel):
    """Base of a recipe's settings: unknown keys are errors, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def files(self) -> tuple[str, ...]:
        """Paths of files that the settings name; what is in them counts towards the run key."""
        return ()


C = TypeVar("C", bound=RecipeConfig)

JointPredictor = DualEncoderPredictor | PairScorer | Captioner
"""What `fit_joint` may return."""


class Recipe(ABC, Generic[C]):
    """A way of adapting. Subclass, set the class variables, write `fit`, register it under `workbench.recipes`.

    The engine builds it with a validated config, calls `fit` with train and validation data, and afterwards asks the
    predictor for scores of test images. A recipe never sees the test split.

    Attributes:
        version: Raise it when results change; part of the run key.
        Config: The settings' model.
        tasks: Tasks it can do.
        reads: `nothing` (labels alone), `features`, or `images` (the network is loaded).
        trains: Whether training images are used. If not, shots and seeds make no difference and are not swept.
        stochastic: Whether the seed changes the result beyond the choice of few-shot images.
        multi_label: Whether it can do multi-label classification.
        unseen: Whether it can recognise the classes of `ClassificationTask.unseen`, which have no training image.
    """

    version: ClassVar[str] = "1"
    Config: ClassVar[type[RecipeConfig]] = RecipeConfig
    tasks: ClassVar[frozenset[str]] = frozenset({"classification"})
    reads: ClassVar[Literal["nothing", "features", "images"]] = "features"
    trains: ClassVar[bool] = True
    stochastic: ClassVar[bool] = False
    multi_label: ClassVar[bool] = False
    unseen: ClassVar[bool] = False

    def __init__(self, config: C) -> None:
        self.config = config

    @abstractmethod
    def fit(self, task: ClassificationTask) -> Predictor:
        """Adapt to the task; hyper-parameters and early stopping on `task.val` only."""

    def fit_many(self, tasks: Sequence[ClassificationTask]) -> list[Predictor]:
        """Fit several tasks of one dataset and model, which differ in shots and seed; override to batch them."""
        return [self.fit(task) for task in tasks]

    def tiles(self, task: str) -> int:  # noqa: ARG002
        """The n that `fit_joint` and its predictor call `ImageSet.tiles` with on a task's images; 0 where they do not.

        The engine computes those features before it calls `fit_joint`, and shows how far it is.
        """
        return 0

    def fit_joint(self, task: JointTask) -> JointPredictor:
        """Adapt to a `RetrievalTask`, `MatchingTask` or `GroundingTask`; override it where `tasks` names one of them.

        The engine embeds the test images and texts with what this returns, and computes everything from the products.
        Of a `CaptioningTask` it asks a `Captioner`, which writes. Matching and grounding take a `PairScorer`, too.
        """
        raise RecipeError(f"{type(self).__name__} does not do {type(task).__name__}.")

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """Rebuild a predictor from what its `save` wrote; override it where that is not a `LinearClassifier`."""
        return LinearClassifier.restore(directory)

    @classmethod
    def restore_joint(cls, directory: Path, model: TaskModel, device: str) -> JointPredictor:  # noqa: ARG003
        """As `restore`, for what `fit_joint` returned; override it where that is not a `LinearDualEncoder`."""
        return LinearDualEncoder.restore(directory, model)
