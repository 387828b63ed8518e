"""What a recipe is, and the registry of recipes."""

from importlib.metadata import EntryPoint
from typing import Any

from workbench.errors import RecipeError
from workbench.recipes.captioner import Captioner
from workbench.recipes.dual_encoder import DualEncoderPredictor, LinearDualEncoder, LinearMap
from workbench.recipes.pair_scorer import PairScorer
from workbench.recipes.predictor import FitReport, Fitted, LinearClassifier, Predictor
from workbench.recipes.recipe import Recipe, RecipeConfig
from workbench.registry import Registry

__all__ = [
    "Captioner",
    "DualEncoderPredictor",
    "FitReport",
    "Fitted",
    "LinearClassifier",
    "LinearDualEncoder",
    "LinearMap",
    "PairScorer",
    "Predictor",
    "Recipe",
    "RecipeConfig",
    "recipes",
]


def _is_recipe(loaded: Any, point: EntryPoint) -> type[Recipe[Any]]:
    if isinstance(loaded, type) and issubclass(loaded, Recipe):
        return loaded
    raise RecipeError(f"recipe {point.name!r}: {point.value} is not a subclass of workbench.Recipe.")


recipes: Registry[type[Recipe[Any]]] = Registry("workbench.recipes", "recipe", _is_recipe)
"""All installed recipes."""
