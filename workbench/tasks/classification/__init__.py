"""Classification: one label an image, or several."""

from workbench.tasks.classification.task import Classification

__all__ = ["Classification"]
