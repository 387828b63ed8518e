"""Few-shot tasks as tensors, stacked so that one operation serves all of them.

Everything is float64: a batch of one and a batch of many round differently, and iterative methods amplify the last
digits. In double precision what is left of that is far below the 1e-5 that scores are promised to agree to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from adapters._heads.predictors import Space
from adapters._unseen import Rehearsal
from workbench import AnyArray, ClassificationTask, FloatArray, LabelledImages, class_embeddings, normalise

_PADDING = 1.25
"""Tasks share a stack while the largest has at most this many times the images of the smallest."""


class FewShot:
    """One task with unit-norm features as tensors.

    Args:
        task: The task.
        text: (n_classes, d) class embeddings of unit norm.
        train: What is fitted; differs from `task.train` where validation images are added.
        val: What hyper-parameters are chosen on; may be empty.

    Attributes:
        wider: Where these are only the seen classes of a task: all of them.
        rehearsal: The same with some seen classes hidden; where there is `wider`, hyper-parameters are chosen on it.
    """

    def __init__(self, task: ClassificationTask, text: Tensor, train: "Images", val: "Images") -> None:
        self.task = task
        self.text = text
        self.train = train
        self.val = val
        self.wider: Wider | None = None
        self.rehearsal: FewShot | None = None

    @property
    def chooses(self) -> bool:
        """Whether there is something to choose hyper-parameters on."""
        return len(self.val) > 0 and (self.wider is None or self.rehearsal is not None)

    def joined(self) -> "FewShot":
        """Train and validation together as the images to fit, and none to choose on."""
        return FewShot(self.task, self.text, self.train + self.val, self.val.none())


@dataclass(frozen=True)
class Wider:
    """The classes around those that a task was narrowed to.

    Attributes:
        seen: int64, the numbers of the task's classes among all.
        text: (n_classes, d) embeddings of all, of unit norm.
        rehearsal: Where the other classes are hidden ones: what margins are tried on.
    """

    seen: AnyArray
    text: FloatArray
    rehearsal: Rehearsal | None = None


class Images:
    """Features of unit norm and targets.

    Attributes:
        pooled: (n, d_pooled).
        projected: (n, d).
        target: (n, n_classes), one-hot or, where multi-label, 0/1.
    """

    def __init__(self, pooled: Tensor, projected: Tensor, target: Tensor) -> None:
        self.pooled = pooled
        self.projected = projected
        self.target = target

    @classmethod
    def of(cls, data: LabelledImages, n_classes: int, device: str) -> "Images":
        """Normalise the features and widen them."""
        features = data.images.features
        labels = torch.as_tensor(data.labels, device=device)
        if labels.ndim == 1:
            labels = torch.nn.functional.one_hot(labels.long(), n_classes)
        return cls(
            torch.as_tensor(normalise(features.pooled), device=device).double(),
            torch.as_tensor(normalise(features.projected), device=device).double(),
            labels.double(),
        )

    def __len__(self) -> int:
        return len(self.target)

    def __add__(self, other: "Images") -> "Images":
        return Images(
            torch.cat([self.pooled, other.pooled]),
            torch.cat([self.projected, other.projected]),
            torch.cat([self.target, other.target]),
        )

    def none(self) -> "Images":
        """No image, of the same widths."""
        return Images(self.pooled[:0], self.projected[:0], self.target[:0])


@dataclass(frozen=True)
class Padded:
    """Images of `b` tasks, padded with zeros to the same number.

    Attributes:
        x: (b, n, d) features in the stack's space.
        target: (b, n, n_classes); zero in padding.
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

    @property
    def labels(self) -> Tensor:
        """(b, n) class indices; meaningless in padding and where multi-label."""
        return self.target.argmax(dim=2)


@dataclass(frozen=True)
class Stack:
    """Tasks of similar size, in one feature space.

    Attributes:
        shots: The `b` tasks.
        space: Which features `x` are.
        train: What is fitted.
        val: What is chosen on; n is 0 where there is none.
        text: (b, n_classes, d) class embeddings.
        scale: (b,) the model's logit scale.
    """

    shots: Sequence[FewShot]
    space: Space
    train: Padded
    val: Padded
    text: Tensor
    scale: Tensor

    def __len__(self) -> int:
        return len(self.shots)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.text.shape[1]

    @property
    def multi_label(self) -> bool:
        """Whether images have several labels."""
        return self.shots[0].task.multi_label


def few_shots(tasks: Sequence[ClassificationTask]) -> list[FewShot]:
    """Tasks as tensors on their device; class names that tasks share are embedded once."""
    texts: dict[tuple[int, int], Tensor] = {}
    found = []
    for task in tasks:
        key = (id(task.model), id(task.prompts))
        if key not in texts:
            embedded = class_embeddings(task.model, task.prompts.sentences("ensemble"))
            texts[key] = torch.as_tensor(embedded, device=task.device).double()
        train = Images.of(task.train, task.n_classes, task.device)
        val = Images.of(task.val, task.n_classes, task.device)
        found.append(FewShot(task, texts[key], train, val))
    return found


def buckets(shots: Sequence[FewShot]) -> Iterator[list[int]]:
    """Positions of tasks of similar size; padding all to the largest would compute mostly zeros."""
    order = sorted(range(len(shots)), key=lambda i: len(shots[i].train))
    while order:
        limit = _PADDING * len(shots[order[0]].train)
        own = [i for i in order if len(shots[i].train) <= limit]
        order = order[len(own) :]
        yield own


def stack(shots: Sequence[FewShot], space: Space) -> Stack:
    """Pad tasks to the size of the largest."""
    return Stack(
        shots=shots,
        space=space,
        train=_pad([s.train for s in shots], shots, space),
        val=_pad([s.val for s in shots], shots, space),
        text=torch.stack([s.text for s in shots]),
        scale=torch.tensor([s.task.model.logit_scale for s in shots], dtype=torch.float64, device=shots[0].text.device),
    )


def _pad(images: Sequence[Images], shots: Sequence[FewShot], space: Space) -> Padded:
    longest = max(len(own) for own in images)

    def padded(rows: Sequence[Tensor]) -> Tensor:
        full = rows[0].new_zeros(len(rows), longest, *rows[0].shape[1:])
        for i, own in enumerate(rows):
            full[i, : len(own)] = own
        return full

    def zero_shot(own: Images, shot: FewShot) -> Tensor:
        model = shot.task.model
        return model.logit_scale * own.projected @ shot.text.T + model.logit_bias

    return Padded(
        x=padded([getattr(own, space) for own in images]),
        target=padded([own.target for own in images]),
        mask=padded([own.target.new_ones(len(own)) for own in images]),
        text_logits=padded([zero_shot(own, shot) for own, shot in zip(images, shots, strict=True)]),
    )
