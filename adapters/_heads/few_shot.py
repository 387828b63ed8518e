"""Few-shot tasks as tensors.

Everything is float64: a batch of one and a batch of many round differently, and iterative methods amplify the last
digits. In double precision the difference stays far below the 1e-5 that scores are promised to agree to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from adapters._heads.folds import divisions, units
from adapters._heads.images import Images
from adapters._heads.large_images import LargeImages, is_large
from adapters._holdout import Holdout
from workbench.plugin import AnyArray, ClassificationTask, FloatArray, LabelledImages, class_embeddings


class FewShot:
    """One task with unit-norm features as tensors.

    Args:
        task: The task.
        text: (n_classes, d) class embeddings of unit norm.
        train: Images to fit.
        val: Images to choose hyper-parameters on; may be empty.
        folds: Where `val` is empty: cross-validation folds, each with a part of `train` and the rest as its `val`.

    Attributes:
        all_classes: Where the task is restricted to its seen classes: all of them.
        holdout: The task with some seen classes held out; where there is `all_classes`, hyper-parameters are chosen on
            it.
    """

    def __init__(
        self, task: ClassificationTask, text: Tensor, train: "Images", val: "Images", folds: Sequence["FewShot"] = ()
    ) -> None:
        self.task = task
        self.text = text
        self.train = train
        self.val = val
        self.folds = tuple(folds)
        self.all_classes: AllClasses | None = None
        self.holdout: FewShot | None = None

    @property
    def chooses(self) -> bool:
        """Whether there are images to choose hyper-parameters on."""
        if self.all_classes is not None and self.holdout is None:
            return False
        return bool(self.folds) or len(self.val) > 0

    def joined(self) -> "FewShot":
        """Train and validation together as the images to fit, and none to choose on."""
        return FewShot(self.task, self.text, self.train + self.val, self.val.take([]))


@dataclass(frozen=True)
class AllClasses:
    """All classes of a task that was restricted to its seen ones.

    Attributes:
        seen: int64, the numbers of the seen classes among all.
        text: (n_classes, d) embeddings of all classes, of unit norm.
        holdout: Where the other classes are held out: images to try margins on.
    """

    seen: AnyArray
    text: FloatArray
    holdout: Holdout | None = None


def few_shots(
    tasks: Sequence[ClassificationTask], *, cross_validate: bool = False, reads_texts: bool = True
) -> list[FewShot]:
    """Tasks as tensors on their device; class names that tasks share are embedded once.

    Args:
        tasks: The tasks.
        cross_validate: Where validation is missing, or was made from training, choose within training. The fit
            is then all of training, the made validation images included; in few-shot runs, where `shots` images a
            class are the budget, these are left out unless the task asks for a refit on them.
        reads_texts: Whether class names are embedded; their embeddings are zeros otherwise, so that models of images
            alone will do.
    """
    texts: dict[tuple[int, int], Tensor] = {}
    shots = []
    for task in tasks:
        key = (id(task.model), id(task.prompts))
        if key not in texts:
            embedded = np.zeros((task.n_classes, task.model.embed_dim), np.float32)
            if reads_texts:
                embedded = class_embeddings(task.model, task.prompts.sentences("ensemble"))
            texts[key] = torch.as_tensor(embedded, device=task.device).double()
        if cross_validate and (task.val_made or len(task.val) == 0):
            shots.append(_folded(task, texts[key]))
            continue
        train, val = _as_images(task, [task.train, task.val])
        shots.append(FewShot(task, texts[key], train, val))
    return shots


def _as_images(task: ClassificationTask, parts: Sequence[LabelledImages]) -> list[Images]:
    """Images as tensors, or as something to read blocks of where tensors would fill the memory."""
    if is_large(parts):
        return [LargeImages([part], task.n_classes, task.device) for part in parts]
    return [Images.of(part, task.n_classes, task.device) for part in parts]


def _folded(task: ClassificationTask, text: Tensor) -> FewShot:
    parts = [task.train]
    if len(task.val) and (task.shots is None or task.refit):
        parts.append(task.val)
    images, *others = _as_images(task, parts)
    for other in others:
        images = images + other
    groups = [part.groups for part in parts if part.groups is not None]
    unit = units(
        [part.images.features.pooled for part in parts],
        np.concatenate(groups) if len(groups) == len(parts) else None,
    )
    labels = np.concatenate([part.labels for part in parts])
    if labels.ndim == 2:
        labels = labels == 1
    folds = [
        FewShot(task, text, images.take(fit), images.take(graded))
        for fit, graded in divisions(labels, unit, task.seed)
    ]  # fmt: skip
    return FewShot(task, text, images, images.take([]), folds)
