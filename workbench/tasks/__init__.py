"""What is asked of a dataset, as recipes are given it."""

from workbench.tasks.captioning import CaptioningTask
from workbench.tasks.choices import Candidates, Choices, GroundingTask, MatchingTask
from workbench.tasks.classification import ClassificationTask, LabelledImages
from workbench.tasks.images import Features, ImageSet, Tiles
from workbench.tasks.joint import JointTask
from workbench.tasks.model import TaskModel
from workbench.tasks.prompts import ClassPrompts, class_embeddings
from workbench.tasks.retrieval import CaptionedImages, RetrievalTask

__all__ = [
    "Candidates",
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
    "Tiles",
    "class_embeddings",
]
