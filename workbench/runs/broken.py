"""A stand-in for a recipe that is installed and cannot be loaded: its runs fail with the reason, others go on."""

from pydantic import ConfigDict

from workbench.errors import UnknownNameError, WorkbenchError
from workbench.recipes import Recipe, RecipeConfig, recipes


class _AnyConfig(RecipeConfig):
    """Accepts any settings."""

    model_config = ConfigDict(extra="allow", frozen=True)


class BrokenRecipe(Recipe[RecipeConfig]):
    """Stands for a recipe that does not load.

    Attributes:
        reason: One sentence.
        cause: The error raised when it was loaded; a failed run's traceback shows it.
    """

    version = "broken"
    Config = _AnyConfig
    reads = "features"
    trains = False
    reason = ""
    cause: WorkbenchError | None = None


def recipe_or_broken(name: str) -> type[Recipe]:  # type: ignore[type-arg]
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
