"""Grids of hyper-parameters, and how validation chooses from them."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Setting = dict[str, float]
"""One value for each axis of a grid."""

Selection = Literal["nll", "accuracy"]
"""The measure that counts first: mean negative log-likelihood (smaller is better) or accuracy (larger is better)."""


class SearchGrid:
    """A product of axes, for each of `b` tasks.

    Args:
        axes: Axis name to (b, h) values; the number of values is the same for all tasks, the values need not be.
    """

    def __init__(self, axes: Mapping[str, Tensor]) -> None:
        self.axes = dict(axes)

    def with_fixed(self, settings: Sequence[Setting]) -> "SearchGrid":
        """Further axes of one value, one setting for each task."""
        return SearchGrid({**self.axes, **SearchGrid.fixed(settings, next(iter(self.axes.values())).device).axes})

    @classmethod
    def shared(cls, axes: Mapping[str, Sequence[float]], b: int, device: torch.device) -> "SearchGrid":
        """A grid with the same values for all tasks."""
        return cls({k: torch.tensor([list(v)] * b, dtype=torch.float64, device=device) for k, v in axes.items()})

    @classmethod
    def fixed(cls, settings: Sequence[Setting], device: torch.device) -> "SearchGrid":
        """One point for each task."""
        names = settings[0]
        return cls({k: torch.tensor([[s[k]] for s in settings], dtype=torch.float64, device=device) for k in names})

    def __getitem__(self, axis: str) -> Tensor:
        return self.axes[axis]

    def flat(self, axis: str) -> Tensor:
        """The value of one axis at every point, (b, points)."""
        sizes = [values.shape[1] for values in self.axes.values()]
        position = list(self.axes).index(axis)
        shape = [1] * position + [-1] + [1] * (len(sizes) - position - 1)
        values = self.axes[axis]
        return values.reshape(len(values), *shape).expand(len(values), *sizes).flatten(1)

    def points(self, i: int) -> list[Setting]:
        """Task `i`'s points; the last axis varies fastest."""
        axes = (values[i].tolist() for values in self.axes.values())
        return [dict(zip(self.axes, point, strict=True)) for point in product(*axes)]


def quality(logits: Tensor, target: Tensor, mask: Tensor, *, multi_label: bool = False) -> tuple[Tensor, Tensor]:
    """Accuracy (of all known label decisions where multi-label) and mean negative log-likelihood.

    Args:
        logits: (b, h, m, n_classes).
        target: (b, m, n_classes), where multi-label with NaN for labels that are not known.
        mask: (b, m), 0 in padding.
        multi_label: Sigmoid rather than softmax.

    Returns:
        Two (b, h) tensors; zeros where there is no image.
    """
    count = mask.sum(dim=1).clamp(min=1)[:, None]
    image_weight = mask[:, None]
    if multi_label:
        truth, known = target.nan_to_num()[:, None].expand_as(logits), ~target.isnan()[:, None]
        known_labels = known.sum(dim=3).clamp(min=1)
        correct = (((logits > 0) == (truth > 0)) & known).sum(dim=3) / known_labels
        nll = (F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * known).sum(dim=3) / known_labels
    else:
        labels = target.argmax(dim=2)[:, None].expand(logits.shape[:3])
        correct = (logits.argmax(dim=3) == labels).double()
        nll = logits.logsumexp(dim=3) - logits.gather(3, labels[..., None])[..., 0]
    return (correct * image_weight).sum(dim=2) / count, (nll * image_weight).sum(dim=2) / count


def rank(accuracy: float, nll: float, selection: Selection = "nll") -> tuple[float, float]:
    """A sort key that is larger for the better candidate; likelihood counts to six digits, of equals the first wins."""
    likelihood = -round(nll, 6)
    return (likelihood, accuracy) if selection == "nll" else (accuracy, likelihood)


def best(accuracy: Tensor, nll: Tensor, selection: Selection = "nll") -> Tensor:
    """Index of the best candidate of each row by `rank`, shapes (b, h) -> (b,)."""
    rows = zip(accuracy.tolist(), nll.tolist(), strict=True)
    chosen = [
        max(range(len(a)), key=lambda j, a=a, n=n: (*rank(a[j], n[j], selection), -j))  # type: ignore[misc]
        for a, n in rows
    ]
    return torch.tensor(chosen, dtype=torch.int64, device=accuracy.device)


def graded(logits: Callable[[int], Tensor], points: int, target: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """`quality` of many grid points, whose logits are made one after the other to bound memory.

    Args:
        logits: Number of a point to its (b, h, m, n_classes) logits, h the points that come together.
        points: How many numbers there are; the h points of a number follow each other in the result.
        target: See `quality`.
        mask: See `quality`.

    Returns:
        Two (b, points * h) tensors.
    """
    qualities = [quality(logits(k), target, mask) for k in range(points)]
    return torch.cat([accuracy for accuracy, _ in qualities], dim=1), torch.cat([nll for _, nll in qualities], dim=1)
