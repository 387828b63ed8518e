"""What a recipe says of its inference must be what its predictor does: tables are marked by what it says."""

from typing import Any

from workbench.errors import RecipeError
from workbench.recipes import Fitted, Inference
from workbench.tasks.classification.online import OnlinePredictor
from workbench.tasks.classification.predictor import TransductivePredictor


def check_inference(recipe: Any, predictor: Fitted) -> None:
    """Refuse a predictor of another kind of inference than the recipe's: its numbers would be marked wrongly.

    Args:
        recipe: A recipe that classifies, with its settings.
        predictor: What its `fit` gave.

    Raises:
        RecipeError: They differ; names both.
    """
    kinds: dict[type[Fitted], Inference] = {OnlinePredictor: "online", TransductivePredictor: "transductive"}
    given = next((kind for base, kind in kinds.items() if isinstance(predictor, base)), "inductive")
    said = recipe.inference_of(recipe.config)
    if given != said:
        raise RecipeError(
            f"{type(recipe).__name__} says that its inference is {said!r} (Recipe.inference), and returned a "
            f"{type(predictor).__name__}, whose inference is {given!r}."
        )
