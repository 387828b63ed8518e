"""What is asked of a dataset, as recipes are given it."""

from workbench.tasks.classification import ClassificationTask, LabelledImages
from workbench.tasks.images import Features, ImageSet
from workbench.tasks.model import TaskModel
from workbench.tasks.prompts import ClassPrompts, class_embeddings

__all__ = [
    "ClassPrompts",
    "ClassificationTask",
    "Features",
    "ImageSet",
    "LabelledImages",
    "TaskModel",
    "class_embeddings",
]
