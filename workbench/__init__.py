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
    from workbench.models import (
        LoadedModel,
        Tower,
        freeze_batch_norm,
        has_batch_norm,
        merge_attention,
        split_attention,
        to_device,
        tower_parameters,
    )
    from workbench.recipes import (
        Captioner,
        DualEncoderPredictor,
        FitReport,
        LinearClassifier,
        LinearDualEncoder,
        LinearMap,
        Predictor,
        Recipe,
        RecipeConfig,
    )
    from workbench.solvers import fit_logistic, minimise
    from workbench.tasks import (
        CaptionedImages,
        CaptioningTask,
        Choices,
        ClassificationTask,
        ClassPrompts,
        Features,
        GroundingTask,
        ImageSet,
        JointTask,
        LabelledImages,
        MatchingTask,
        RetrievalTask,
        TaskModel,
        class_embeddings,
    )
    from workbench.training import (
        Augmentation,
        ClassEmbedder,
        Compute,
        EncoderClassifier,
        FineTuned,
        JointBatch,
        JointObjective,
        MemoryBudget,
        OptimisationSettings,
        PixelSource,
        Quality,
        SavedClassifier,
        Trained,
        TrainingSettings,
        TunedClassifier,
        fine_tune,
        joint_objective,
        seeded,
        train,
    )

_HOMES = {
    "workbench.api": ["results", "run"],
    "workbench.arrays": ["AnyArray", "FloatArray", "normalise"],
    "workbench.errors": ["RecipeError", "WorkbenchError"],
    "workbench.models": [
        "LoadedModel",
        "Tower",
        "freeze_batch_norm",
        "has_batch_norm",
        "merge_attention",
        "split_attention",
        "to_device",
        "tower_parameters",
    ],
    "workbench.recipes": [
        "Captioner",
        "DualEncoderPredictor",
        "FitReport",
        "LinearClassifier",
        "LinearDualEncoder",
        "LinearMap",
        "Predictor",
        "Recipe",
        "RecipeConfig",
    ],
    "workbench.solvers": ["fit_logistic", "minimise"],
    "workbench.training": [
        "Augmentation",
        "ClassEmbedder",
        "Compute",
        "EncoderClassifier",
        "FineTuned",
        "JointBatch",
        "JointObjective",
        "MemoryBudget",
        "OptimisationSettings",
        "PixelSource",
        "Quality",
        "SavedClassifier",
        "Trained",
        "TrainingSettings",
        "TunedClassifier",
        "fine_tune",
        "joint_objective",
        "seeded",
        "train",
    ],
    "workbench.tasks": [
        "CaptionedImages",
        "CaptioningTask",
        "Choices",
        "ClassPrompts",
        "ClassificationTask",
        "Features",
        "GroundingTask",
        "ImageSet",
        "JointTask",
        "LabelledImages",
        "MatchingTask",
        "RetrievalTask",
        "TaskModel",
        "class_embeddings",
    ],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AnyArray",
    "Augmentation",
    "CaptionedImages",
    "Captioner",
    "CaptioningTask",
    "Choices",
    "ClassEmbedder",
    "ClassPrompts",
    "ClassificationTask",
    "Compute",
    "DualEncoderPredictor",
    "EncoderClassifier",
    "Features",
    "FineTuned",
    "FitReport",
    "FloatArray",
    "GroundingTask",
    "ImageSet",
    "JointBatch",
    "JointObjective",
    "JointTask",
    "LabelledImages",
    "LinearClassifier",
    "LinearDualEncoder",
    "LinearMap",
    "LoadedModel",
    "MatchingTask",
    "MemoryBudget",
    "OptimisationSettings",
    "PixelSource",
    "Predictor",
    "Quality",
    "Recipe",
    "RecipeConfig",
    "RecipeError",
    "RetrievalTask",
    "SavedClassifier",
    "TaskModel",
    "Tower",
    "Trained",
    "TrainingSettings",
    "TunedClassifier",
    "WorkbenchError",
    "__version__",
    "class_embeddings",
    "fine_tune",
    "fit_logistic",
    "freeze_batch_norm",
    "has_batch_norm",
    "joint_objective",
    "merge_attention",
    "minimise",
    "normalise",
    "results",
    "run",
    "seeded",
    "split_attention",
    "to_device",
    "tower_parameters",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")
