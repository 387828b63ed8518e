"""What stands for a recipe that is installed and cannot be loaded: its runs fail with the reason, the others go on."""

from typing import NoReturn

from pydantic import ConfigDict

from workbench.errors import RecipeError, UnknownNameError, WorkbenchError
from workbench.recipes import Predictor, Recipe, RecipeConfig, recipes
from workbench.tasks import ClassificationTask, JointTask


class _AnyConfig(RecipeConfig):
    """What its settings may be, nobody can say."""

    model_config = ConfigDict(extra="allow", frozen=True)


class BrokenRecipe(Recipe[RecipeConfig]):
    """Does every task, and fails with the reason why the recipe that it stands for does not load.

    Attributes:
        reason: One sentence.
        cause: What was raised when it was loaded; a failed run's traceback shows it.
    """

    version = "broken"
    Config = _AnyConfig
    tasks = frozenset({"classification", "retrieval", "matching", "grounding", "captioning"})
    reads = "features"
    trains = False
    multi_label = True
    unseen = True
    reason = ""
    cause: WorkbenchError | None = None

    def fit(self, task: ClassificationTask) -> Predictor:  # noqa: ARG002
        """See `Recipe.fit`."""
        self._fail()

    def fit_joint(self, task: JointTask) -> NoReturn:  # noqa: ARG002
        """See `Recipe.fit_joint`."""
        self._fail()

    def _fail(self) -> NoReturn:
        raise RecipeError(self.reason) from self.cause


def usable(name: str) -> type[Recipe]:  # type: ignore[type-arg]
    """A registered recipe, or a `BrokenRecipe` in its place.

    Raises:
        UnknownNameError: No recipe has that name.
    """
    try:
        return recipes.get(name)
    except UnknownNameError:
        raise
    except WorkbenchError as error:
        known = {"reason": str(error), "cause": error, "__module__": BrokenRecipe.__module__}
        return type("BrokenRecipe", (BrokenRecipe,), known)
