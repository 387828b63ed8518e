"""Batches of few-shot tasks, padded so that one operation serves all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from adapters._heads.few_shot import FewShot
from adapters._heads.images import Images
from adapters._heads.predictors import Space
from workbench.plugin import ClassificationTask

_PADDING = 1.25
"""Tasks share a batch while the largest has at most this many times the images of the smallest."""

CLIP_TEXT_LENGTH = 8.0
"""About the norm of CLIP's text embeddings before normalisation."""

_ROWS = 2**16
"""Training images of a batch, padding included; a larger task is a batch by itself and loses no speed by it."""


@dataclass(frozen=True)
class PaddedImages:
    """Images of `b` tasks, padded with zeros to the same number.

    Attributes:
        x: (b, n, d) features in the batch's space.
        target: (b, n, n_classes); zero in padding, and NaN for labels that are not known.
        mask: (b, n), 1 for images, 0 for padding.
        text_logits: (b, n, n_classes) zero-shot logits.
    """

    x: Tensor
    target: Tensor
    mask: Tensor
    text_logits: Tensor

    @cached_property
    def count(self) -> Tensor:
        """(b,) images of each task, at least 1."""
        return self.mask.sum(dim=1).clamp(min=1)

    @cached_property
    def known(self) -> Tensor | None:
        """(b, n, n_classes), 0 for labels that are not known; None where all are."""
        unknown = self.target.isnan()
        return (~unknown).to(self.target.dtype) if bool(unknown.any()) else None

    @property
    def labels(self) -> Tensor:
        """(b, n) class indices; meaningless in padding and where multi-label."""
        return self.target.argmax(dim=2)


@dataclass(frozen=True)
class TaskBatch:
    """Tasks of similar size, in one feature space.

    Attributes:
        shots: The `b` tasks.
        space: The features in `x`.
        train: Images to fit.
        val: Images to choose on; n is 0 where there are none.
        text: (b, n_classes, d) class embeddings.
        scale: (b,) the model's logit scale.
    """

    shots: Sequence[FewShot]
    space: Space
    train: PaddedImages
    val: PaddedImages
    text: Tensor
    scale: Tensor

    def __len__(self) -> int:
        return len(self.shots)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.text.shape[1]

    @property
    def seeds(self) -> list[int]:
        """The tasks' seeds."""
        return [shot.task.seed for shot in self.shots]

    @property
    def images_a_class(self) -> list[int]:
        """The tasks' shots; where all of training was asked for, the mean number of images."""
        means = (self.train.mask.sum(dim=1) / self.n_classes).round().long().clamp(min=1).tolist()
        return [shot.task.shots or mean for shot, mean in zip(self.shots, means, strict=True)]

    @cached_property
    def text_length(self) -> Tensor:
        """(b, n_classes) mean norm of a class's sentence embeddings, as the text tower gives them.

        Published rates and penalties of methods that change text vectors are in this unit: 5 to 10 for CLIP, whose
        vectors they leave as long as they are. Where a model gives unit vectors, `CLIP_TEXT_LENGTH` stands in.
        """
        known: dict[tuple[int, int], Tensor] = {}
        for shot in self.shots:
            key = (id(shot.task.model), id(shot.task.prompts))
            if key not in known:
                known[key] = _text_length(shot.task).to(self.text)
        return torch.stack([known[id(shot.task.model), id(shot.task.prompts)] for shot in self.shots])

    @property
    def multi_label(self) -> bool:
        """Whether images have several labels."""
        return self.shots[0].task.multi_label


def _text_length(task: ClassificationTask) -> Tensor:
    sentences = task.prompts.sentences("ensemble")
    norms = np.linalg.norm(task.model.encode_texts(list(chain.from_iterable(sentences))), axis=1)
    starts = np.cumsum([0, *(len(class_sentences) for class_sentences in sentences[:-1])])
    mean = np.add.reduceat(norms, starts) / [len(class_sentences) for class_sentences in sentences]
    if np.allclose(mean, 1, atol=1e-3):
        mean = np.full(len(mean), CLIP_TEXT_LENGTH)
    return torch.as_tensor(mean)


def buckets(shots: Sequence[FewShot]) -> Iterator[list[int]]:
    """Positions of tasks of similar size; padding all to the largest would compute mostly zeros."""
    order = sorted(range(len(shots)), key=lambda i: len(shots[i].train))
    while order:
        limit = _PADDING * len(shots[order[0]].train)
        bucket = [i for i in order if len(shots[i].train) <= limit]
        bucket = bucket[: max(1, _ROWS // max(1, len(shots[bucket[-1]].train)))]
        order = order[len(bucket) :]
        yield bucket


def batch_tasks(shots: Sequence[FewShot], space: Space) -> TaskBatch:
    """Pad tasks to the size of the largest."""
    return TaskBatch(
        shots=shots,
        space=space,
        train=_pad([s.train for s in shots], shots, space),
        val=_pad([s.val for s in shots], shots, space),
        text=torch.stack([s.text for s in shots]),
        scale=torch.tensor([s.task.model.logit_scale for s in shots], dtype=torch.float64, device=shots[0].text.device),
    )


def _pad(images: Sequence[Images], shots: Sequence[FewShot], space: Space) -> PaddedImages:
    longest = max(len(task_images) for task_images in images)

    def padded(rows: Sequence[Tensor]) -> Tensor:
        full = rows[0].new_zeros(len(rows), longest, *rows[0].shape[1:])
        for i, values in enumerate(rows):
            full[i, : len(values)] = values
        return full

    def zero_shot(task_images: Images, shot: FewShot) -> Tensor:
        model = shot.task.model
        return model.logit_scale * task_images.projected @ shot.text.T + model.logit_bias

    return PaddedImages(
        x=padded([getattr(task_images, space) for task_images in images]),
        target=padded([task_images.target for task_images in images]),
        mask=padded([task_images.target.new_ones(len(task_images)) for task_images in images]),
        text_logits=padded([zero_shot(task_images, shot) for task_images, shot in zip(images, shots, strict=True)]),
    )
