"""The data that a recipe gets for classification: labelled train and validation images, names, prompts, the model."""

from dataclasses import dataclass, replace

import numpy as np

from workbench.arrays import AnyArray, IntArray
from workbench.datasets.prompts import ClassPrompts
from workbench.images import ImageSet
from workbench.models.task_model import TaskModel


@dataclass(frozen=True)
class LabelledImages:
    """Images with their class labels.

    Attributes:
        images: n images.
        labels: int64 (n,) class indices; bool (n, n_classes) where the task is multi-label. For recipes that mask
            labels float32 (n, n_classes), with NaN where it is not known whether an image has a label.
        groups: int64 (n,) group indices where the card names groups (patient, specimen, scene), else None.
        observations: int64 (n,) indices of what is answered together after the fit (`columns.observation`); of
            `ClassificationTask.held_out` alone, else None.
    """

    images: ImageSet
    labels: AnyArray
    groups: AnyArray | None = None
    observations: AnyArray | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __add__(self, other: "LabelledImages") -> "LabelledImages":
        """The images of both, without groups."""
        return LabelledImages(self.images + other.images, np.concatenate([self.labels, other.labels]))

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
        shots: Training images per class; None means the whole training split.
        seed: Seeds the recipe's draws.
        device: Resolved torch device string, `cpu` or `cuda:0`.
        refit: The suite asks for a final fit on train and validation together.
        unlabelled: Images of the target domain without labels, none of them a test image, where the recipe asks for
            them (`Recipe.unlabelled`); else None.
        held_out: Images on which the engine makes choices after the fit (`[decisions]` of the card), and that no recipe
            fits on or chooses by, beyond those of them that are in `val`; else None.
        unseen: Classes that the card keeps for test, ascending: neither training nor validation has an image of them.
        val_made: The card has no validation split, and `val` was made of training images: a recipe that chooses
            otherwise, such as by cross-validation, may train on them.
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
    unseen: tuple[int, ...] = ()
    val_made: bool = False
    unlabelled: ImageSet | None = None
    held_out: LabelledImages | None = None

    @property
    def n_classes(self) -> int:
        """Number of classes, those without a training image included."""
        return len(self.class_names)

    @property
    def seen(self) -> IntArray:
        """All classes but the unseen ones: int64, ascending."""
        return np.setdiff1d(np.arange(self.n_classes), self.unseen)

    def restricted(self, classes: IntArray) -> "ClassificationTask":
        """The task of some classes alone, numbered anew in their order; images of others are left out.

        Training on `task.restricted(task.seen)` cannot take unseen classes for negatives of every image.

        Args:
            classes: int64, ascending.
        """

        def restrict(data: LabelledImages) -> LabelledImages:
            subset = data.subset(np.flatnonzero(np.isin(data.labels, classes)))
            return replace(subset, labels=np.searchsorted(classes, subset.labels))

        prompts = self.prompts.subset(classes)
        unseen = np.flatnonzero(np.isin(classes, self.unseen)).tolist()
        return replace(
            self, class_names=prompts.class_names, prompts=prompts, train=restrict(self.train), val=restrict(self.val),
            unseen=tuple(unseen),
        )  # fmt: skip
