"""Training a network on a task: images read ahead and kept, a schedule, mixed precision, the best epoch by validation.

`fine_tune` puts the pieces together for classification; a recipe says which parameters are trained. Importing this
package imports no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.training.settings import TrainingSettings

if TYPE_CHECKING:
    from workbench.training.classifier import EncoderClassifier
    from workbench.training.fine_tuning import FineTuned, fine_tune
    from workbench.training.loop import Quality, Trained, train
    from workbench.training.objective import classification_loss, classification_quality
    from workbench.training.pixels import Augmentation, MemoryBudget, PixelSource
    from workbench.training.precision import Compute
    from workbench.training.schedule import warmup_cosine
    from workbench.training.seeding import seeded

_HEAVY = {
    "Augmentation": "pixels",
    "Compute": "precision",
    "EncoderClassifier": "classifier",
    "FineTuned": "fine_tuning",
    "MemoryBudget": "pixels",
    "PixelSource": "pixels",
    "Quality": "loop",
    "Trained": "loop",
    "classification_loss": "objective",
    "classification_quality": "objective",
    "fine_tune": "fine_tuning",
    "seeded": "seeding",
    "train": "loop",
    "warmup_cosine": "schedule",
}

__all__ = [
    "Augmentation",
    "Compute",
    "EncoderClassifier",
    "FineTuned",
    "MemoryBudget",
    "PixelSource",
    "Quality",
    "Trained",
    "TrainingSettings",
    "classification_loss",
    "classification_quality",
    "fine_tune",
    "seeded",
    "train",
    "warmup_cosine",
]


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(import_module(f"workbench.training.{_HEAVY[name]}"), name)
    raise AttributeError(f"module 'workbench.training' has no attribute {name!r}")
