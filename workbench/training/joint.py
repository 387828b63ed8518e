"""Losses and validation measures of retrieval, matching and grounding.

An objective knows which images and texts a batch needs and what their embeddings cost; how they are embedded is the
recipe's affair.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.arrays import AnyArray, FloatArray, normalise
from workbench.metrics import functional as M
from workbench.tasks import CaptionedImages, Choices
from workbench.training.contrastive import choice_loss, contrastive_loss, sigmoid_loss
from workbench.training.loop import Quality

ContrastiveLoss = Literal["contrastive", "sigmoid"]


@dataclass(frozen=True)
class JointBatch:
    """Some units of an objective, with their images and texts.

    Attributes:
        images: int64, different images of the data.
        texts: int64, different texts of the data.
        units: int64, the units themselves.
    """

    images: AnyArray
    texts: AnyArray
    units: AnyArray


class JointObjective(Protocol):
    """A loss over units (images of retrieval, items of the other tasks) and a quality over all of them."""

    @property
    def size(self) -> int:
        """Number of units."""
        ...

    def batch(self, units: AnyArray) -> JointBatch:
        """The images and texts of some units, int64 (b,)."""
        ...

    def loss(self, batch: JointBatch, images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        """Mean loss of a batch from the unit-norm embeddings of its images and texts."""
        ...

    def quality(self, images: FloatArray, texts: FloatArray, scale: float, bias: float) -> Quality:
        """The quality of the embeddings of all images and texts, which need not be normalised."""
        ...


def joint_objective(
    data: CaptionedImages | Choices, loss: ContrastiveLoss, *, statements: bool = False
) -> JointObjective:
    """The objective of a task's data.

    Args:
        data: Training or validation data.
        loss: Loss of retrieval; items of the other tasks have a softmax over their candidates, statements a sigmoid.
        statements: Whether the items are statements.
    """
    if isinstance(data, CaptionedImages):
        return RetrievalObjective(data, loss)
    return choice_objective(data, statements=statements)


def choice_objective(data: Choices, *, statements: bool = False) -> "ChoiceObjective":
    """The objective of matching or grounding, or of statements."""
    return StatementObjective(data) if statements else ChoiceObjective(data)


class RetrievalObjective:
    """Images of a batch against all texts that belong to one of them; validation by mean average precision."""

    def __init__(self, data: CaptionedImages, loss: ContrastiveLoss) -> None:
        self._data = data
        self._loss = contrastive_loss if loss == "contrastive" else sigmoid_loss

    @property
    def size(self) -> int:
        """Number of images."""
        return len(self._data)

    def batch(self, units: AnyArray) -> JointBatch:
        """See `JointObjective.batch`."""
        return JointBatch(units, self._data.texts_of(units)[0], units)

    def loss(self, batch: JointBatch, images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        """See `JointObjective.loss`."""
        belongs = torch.from_numpy(self._data.texts_of(batch.units)[1]).to(images.device)
        return self._loss(scale * images @ texts.T + bias, belongs)

    def quality(self, images: FloatArray, texts: FloatArray, scale: float, bias: float) -> Quality:  # noqa: ARG002
        """Mean of both directions' mean average precision, which moves with fewer queries than recall at 1 does."""
        x, y, pairs = normalise(images), normalise(texts), self._data.positives
        image_to_text = M.rank_positives(x, y, pairs)
        text_to_image = M.rank_positives(y, x, pairs[:, ::-1])
        measures = {
            "val_image_to_text_map": float(image_to_text.average_precision().mean()),
            "val_text_to_image_map": float(text_to_image.average_precision().mean()),
        }
        score = sum(measures.values()) / 2
        return Quality(score, {"val_map": score, **measures})


class ChoiceObjective:
    """A softmax over the candidates of each item; validation by accuracy.

    Where scores are not products of embeddings, `loss_of` and `quality_of` take them as they are.
    """

    def __init__(self, data: Choices) -> None:
        self._data = data
        self._starts = data.starts
        self._ends = np.append(data.starts[1:], len(data.item))

    @property
    def size(self) -> int:
        """Number of items."""
        return len(self._data)

    def candidates(self, units: AnyArray) -> AnyArray:
        """Positions of the candidates of some items, item after item."""
        return np.concatenate([np.arange(self._starts[u], self._ends[u]) for u in units])

    def loss_of(self, units: AnyArray, scores: Tensor) -> Tensor:
        """Mean loss of some items.

        Args:
            units: int64 (b,), the items.
            scores: Logits of their `candidates`.
        """
        counts = (self._ends - self._starts)[units]
        starts = torch.from_numpy(np.cumsum(counts) - counts).to(scores.device)
        is_correct = torch.from_numpy(self._data.is_correct[self.candidates(units)])
        return choice_loss(scores, is_correct.to(scores.device), starts)

    def quality_of(self, scores: FloatArray) -> Quality:
        """Accuracy from the logits of all candidates, float32 (p,); among equals the smaller loss decides."""
        starts = torch.from_numpy(self._starts)
        nll = float(choice_loss(torch.from_numpy(scores), torch.from_numpy(self._data.is_correct), starts))
        accuracy = float(M.picks_right(scores, self._data.is_correct, self._starts).mean())
        return Quality(accuracy - 1e-3 * nll, {"val_accuracy": accuracy, "val_nll": nll})

    def batch(self, units: AnyArray) -> JointBatch:
        """See `JointObjective.batch`."""
        pairs = self._data.pairs[self.candidates(units)]
        return JointBatch(np.unique(pairs[:, 0]), np.unique(pairs[:, 1]), units)

    def loss(self, batch: JointBatch, images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        """See `JointObjective.loss`."""
        pairs = self._data.pairs[self.candidates(batch.units)]
        rows = torch.from_numpy(np.searchsorted(batch.images, pairs[:, 0])).to(images.device)
        columns = torch.from_numpy(np.searchsorted(batch.texts, pairs[:, 1])).to(images.device)
        return self.loss_of(batch.units, scale * (images[rows] * texts[columns]).sum(dim=1) + bias)

    def quality(self, images: FloatArray, texts: FloatArray, scale: float, bias: float) -> Quality:
        """See `JointObjective.quality`."""
        rows, columns = self._data.pairs.T
        cosines = np.einsum("pd,pd->p", normalise(images)[rows], normalise(texts)[columns])
        return self.quality_of(np.asarray(scale * cosines + bias, dtype=np.float32))


class StatementObjective(ChoiceObjective):
    """Each item is one pair, true or false; validation by AUROC."""

    def loss_of(self, units: AnyArray, scores: Tensor) -> Tensor:
        """See `ChoiceObjective.loss_of`."""
        return F.binary_cross_entropy_with_logits(scores, torch.from_numpy(self._data.is_correct[units]).to(scores))

    def quality_of(self, scores: FloatArray) -> Quality:
        """AUROC; undefined (all true or all false) counts as chance."""
        truth = self._data.is_correct
        auroc = float(np.nan_to_num(M.auroc(scores[:, None], truth[:, None])[0], nan=0.5))
        return Quality(auroc, {"val_auroc": auroc, "val_accuracy": float(((scores >= 0) == truth).mean())})
