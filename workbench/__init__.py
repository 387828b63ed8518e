"""A domain-adaptation and evaluation workbench for CLIP.

Everything a plug-in or a notebook needs is imported from here; names load on first use, so that the command line
answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench._version import __version__

if TYPE_CHECKING:
    from workbench.api import results, run
    from workbench.arrays import AnyArray, FloatArray, normalise
    from workbench.errors import RecipeError, WorkbenchError
    from workbench.models import LoadedModel, freeze_batch_norm, merge_attention, split_attention, to_device
    from workbench.recipes import FitReport, LinearClassifier, Predictor, Recipe, RecipeConfig
    from workbench.solvers import fit_logistic
    from workbench.tasks import (
        ClassificationTask,
        ClassPrompts,
        Features,
        ImageSet,
        LabelledImages,
        TaskModel,
        class_embeddings,
    )
    from workbench.training import Schedule, evaluation_batches, fit_epochs, training_pixels, training_precision

_HOMES = {
    "workbench.api": ["results", "run"],
    "workbench.arrays": ["AnyArray", "FloatArray", "normalise"],
    "workbench.errors": ["RecipeError", "WorkbenchError"],
    "workbench.models": ["LoadedModel", "freeze_batch_norm", "merge_attention", "split_attention", "to_device"],
    "workbench.recipes": ["FitReport", "LinearClassifier", "Predictor", "Recipe", "RecipeConfig"],
    "workbench.solvers": ["fit_logistic"],
    "workbench.training": ["Schedule", "evaluation_batches", "fit_epochs", "training_pixels", "training_precision"],
    "workbench.tasks": [
        "ClassPrompts",
        "ClassificationTask",
        "Features",
        "ImageSet",
        "LabelledImages",
        "TaskModel",
        "class_embeddings",
    ],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AnyArray",
    "ClassPrompts",
    "ClassificationTask",
    "Features",
    "FitReport",
    "FloatArray",
    "ImageSet",
    "LabelledImages",
    "LinearClassifier",
    "LoadedModel",
    "Predictor",
    "Recipe",
    "RecipeConfig",
    "RecipeError",
    "Schedule",
    "TaskModel",
    "WorkbenchError",
    "__version__",
    "class_embeddings",
    "evaluation_batches",
    "fit_epochs",
    "fit_logistic",
    "freeze_batch_norm",
    "merge_attention",
    "normalise",
    "results",
    "run",
    "split_attention",
    "to_device",
    "training_pixels",
    "training_precision",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")
