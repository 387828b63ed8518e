"""What a classification recipe is given to fit: labelled train and validation images, names, prompts, the model."""

from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray
from workbench.tasks.images import ImageSet
from workbench.tasks.model import TaskModel
from workbench.tasks.prompts import ClassPrompts


@dataclass(frozen=True)
class LabelledImages:
    """Images with their class labels.

    Attributes:
        images: n images.
        labels: int64 (n,) class indices; bool (n, n_classes) where the task is multi-label.
        groups: int64 (n,) group indices where the card names groups (patient, specimen, scene), else None.
    """

    images: ImageSet
    labels: AnyArray
    groups: AnyArray | None = None

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, index: AnyArray) -> "LabelledImages":
        """The labelled images at `index`, in that order."""
        rows = np.asarray(index, dtype=np.int64)
        groups = None if self.groups is None else self.groups[rows]
        return LabelledImages(self.images.subset(rows), self.labels[rows], groups)


@dataclass(frozen=True)
class ClassificationTask:
    """Everything a recipe may know. There is no test split in it, nor a way to one.

    Attributes:
        dataset: The dataset's name.
        class_names: Names in label order.
        prompts: Templates and descriptions, by class.
        train: The training images of this run (already reduced to `shots` a class).
        val: Validation images; `min(shots, 4)` a class in few-shot runs. May be empty.
        model: The pretrained model.
        multi_label: Several labels per image.
        shots: Images a class asked for; None means the whole training split.
        seed: Seeds whatever the recipe draws.
        device: Resolved torch device string, `cpu` or `cuda:0`.
        refit: The suite asks for a final fit on train and validation together.
    """

    dataset: str
    class_names: tuple[str, ...]
    prompts: ClassPrompts
    train: LabelledImages
    val: LabelledImages
    model: TaskModel
    multi_label: bool
    shots: int | None
    seed: int
    device: str
    refit: bool = False

    @property
    def n_classes(self) -> int:
        """Number of classes, those without a training image included."""
        return len(self.class_names)
