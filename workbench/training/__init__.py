"""Training a network on a task: images read ahead and kept, a schedule, mixed precision, the best epoch by validation.

`fine_tune` puts the pieces together for classification; a recipe says which parameters are trained. Importing this
package imports no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.training.settings import OptimisationSettings, TrainingSettings

if TYPE_CHECKING:
    from workbench.training._class_texts import ClassEmbedder
    from workbench.training.classifier import EncoderClassifier, SavedClassifier
    from workbench.training.contrastive import choice_loss, contrastive_loss, sigmoid_loss
    from workbench.training.fine_tuning import FineTuned, FixedBudget, fine_tune
    from workbench.training.joint import ChoiceObjective, JointBatch, JointObjective, choice_objective, joint_objective
    from workbench.training.loop import Quality, Trained, train
    from workbench.training.objective import classification_loss, classification_quality
    from workbench.training.pixels import Augmentation, MemoryBudget, PixelSource
    from workbench.training.precision import Compute
    from workbench.training.schedule import warmup_cosine
    from workbench.training.seeding import seeded
    from workbench.training.tuned import TunedClassifier

_HEAVY = {
    "Augmentation": "pixels",
    "ChoiceObjective": "joint",
    "ClassEmbedder": "_class_texts",
    "Compute": "precision",
    "EncoderClassifier": "classifier",
    "FineTuned": "fine_tuning",
    "FixedBudget": "fine_tuning",
    "JointBatch": "joint",
    "JointObjective": "joint",
    "MemoryBudget": "pixels",
    "PixelSource": "pixels",
    "Quality": "loop",
    "SavedClassifier": "classifier",
    "Trained": "loop",
    "TunedClassifier": "tuned",
    "choice_loss": "contrastive",
    "choice_objective": "joint",
    "classification_loss": "objective",
    "classification_quality": "objective",
    "contrastive_loss": "contrastive",
    "fine_tune": "fine_tuning",
    "joint_objective": "joint",
    "seeded": "seeding",
    "sigmoid_loss": "contrastive",
    "train": "loop",
    "warmup_cosine": "schedule",
}

__all__ = [
    "Augmentation",
    "ChoiceObjective",
    "ClassEmbedder",
    "Compute",
    "EncoderClassifier",
    "FineTuned",
    "FixedBudget",
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
    "choice_loss",
    "choice_objective",
    "classification_loss",
    "classification_quality",
    "contrastive_loss",
    "fine_tune",
    "joint_objective",
    "seeded",
    "sigmoid_loss",
    "train",
    "warmup_cosine",
]


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(import_module(f"workbench.training.{_HEAVY[name]}"), name)
    raise AttributeError(f"module 'workbench.training' has no attribute {name!r}")
