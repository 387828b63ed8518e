"""The base of all recipes, and the registry of recipes."""

from importlib.metadata import EntryPoint
from typing import Any

from workbench.errors import RecipeError
from workbench.recipes.fitted import FitReport, Fitted
from workbench.recipes.inference import INFERENCES, Inference
from workbench.recipes.recipe import Recipe, RecipeConfig
from workbench.recipes.run_spec import RunSpec
from workbench.registry import Registry

__all__ = ["INFERENCES", "FitReport", "Fitted", "Inference", "Recipe", "RecipeConfig", "RunSpec", "recipes"]


def _is_recipe(loaded: Any, point: EntryPoint) -> type[Recipe[Any]]:
    if isinstance(loaded, type) and issubclass(loaded, Recipe):
        return loaded
    raise RecipeError(f"recipe {point.name!r}: {point.value} is not a subclass of workbench.plugin.Recipe.")


recipes: Registry[type[Recipe[Any]]] = Registry("workbench.recipes", "recipe", _is_recipe)
"""All installed recipes."""
