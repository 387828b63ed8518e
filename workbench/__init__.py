"""A domain-adaptation and evaluation workbench for CLIP.

Everything a plug-in or a notebook needs is imported from here; names load on first use, so that the command line
answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench._version import __version__

if TYPE_CHECKING:
    from workbench.arrays import normalise
    from workbench.errors import WorkbenchError
    from workbench.recipes import FitReport, LinearClassifier, Predictor, Recipe, RecipeConfig
    from workbench.tasks import (
        ClassificationTask,
        ClassPrompts,
        Features,
        ImageSet,
        LabelledImages,
        TaskModel,
    )

_HOMES = {
    "ClassPrompts": "workbench.tasks",
    "ClassificationTask": "workbench.tasks",
    "Features": "workbench.tasks",
    "FitReport": "workbench.recipes",
    "ImageSet": "workbench.tasks",
    "LabelledImages": "workbench.tasks",
    "LinearClassifier": "workbench.recipes",
    "Predictor": "workbench.recipes",
    "Recipe": "workbench.recipes",
    "RecipeConfig": "workbench.recipes",
    "TaskModel": "workbench.tasks",
    "WorkbenchError": "workbench.errors",
    "normalise": "workbench.arrays",
}

__all__ = [
    "ClassPrompts",
    "ClassificationTask",
    "Features",
    "FitReport",
    "ImageSet",
    "LabelledImages",
    "LinearClassifier",
    "Predictor",
    "Recipe",
    "RecipeConfig",
    "TaskModel",
    "WorkbenchError",
    "__version__",
    "normalise",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")
