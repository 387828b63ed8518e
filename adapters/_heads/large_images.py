"""Images whose features are larger than a share of memory: they are read in blocks, or gathered on request."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adapters._heads.images import Images
from adapters._heads.predictors import Space
from workbench.plugin import AnyArray, LabelledImages, memory_limit, normalise

SHARE = 1 / 8
"""Features in float64 that take more of the memory than this are read in blocks: recipes copy them several times."""
_BLOCK = 2**22
"""Numbers of a block: its features, and its logits at each point of a grid."""


def is_large(parts: Sequence[LabelledImages]) -> bool:
    """Whether features of these images, as tensors, would take more than `SHARE` of this process's memory."""
    bytes_ = sum(8 * (part.images.features.pooled.size + part.images.features.projected.size) for part in parts)
    return bytes_ > SHARE * memory_limit()


@dataclass(frozen=True)
class Block:
    """Some images of one task.

    Attributes:
        x: (m, d) features of unit norm.
        target: (m, n_classes), as `Images.target`.
    """

    x: Tensor
    target: Tensor


class LargeImages(Images):
    """`Images` that keep nothing but where features are; each property makes its tensor anew.

    Args:
        parts: One or more sets of images, one after another.
        n_classes: Number of classes.
        device: Where tensors are put.
        index: int64, rows to keep, in this order; None for all.
    """

    def __init__(
        self, parts: Sequence[LabelledImages], n_classes: int, device: str, index: AnyArray | None = None
    ) -> None:
        self._parts = tuple(parts)
        self._n_classes = n_classes
        self._device = device
        self._starts = np.cumsum([0, *(len(part.labels) for part in parts)])
        self._index = np.arange(self._starts[-1]) if index is None else index

    def __len__(self) -> int:
        return len(self._index)

    def take(self, index: AnyArray | Sequence[int]) -> "LargeImages":
        """The images at `index`."""
        rows = self._index[np.asarray(index, dtype=np.int64)]
        return LargeImages(self._parts, self._n_classes, self._device, rows)

    def __add__(self, other: Images) -> Images:
        """The images of both, these first."""
        if not isinstance(other, LargeImages):
            return super().__add__(other)
        index = np.concatenate([self._index, self._starts[-1] + other._index])
        return LargeImages((*self._parts, *other._parts), self._n_classes, self._device, index)

    def blocks(self, space: Space, points: int = 1) -> Iterator[Block]:
        """All images in their order, some at a time.

        Args:
            space: The features.
            points: Of a grid that the caller computes logits for at once.
        """
        features = self._parts[0].images.features
        width = features.pooled.shape[1] + features.projected.shape[1]  # So that blocks of both spaces go together.
        size = max(256, _BLOCK // (width + points * self._n_classes))
        for start in range(0, len(self), size):
            rows = self._index[start : start + size]
            yield Block(self._features(space, rows), self._targets(rows))

    def _features(self, space: Space, rows: AnyArray) -> Tensor:
        found = self._gathered(rows, [getattr(part.images.features, space) for part in self._parts])
        return torch.as_tensor(normalise(found), device=self._device).double()

    def _targets(self, rows: AnyArray) -> Tensor:
        labels = torch.as_tensor(self._gathered(rows, [part.labels for part in self._parts]), device=self._device)
        if labels.ndim == 1:
            labels = torch.nn.functional.one_hot(labels.long(), self._n_classes)
        return labels.double()

    def _gathered(self, rows: AnyArray, parts: Sequence[AnyArray]) -> AnyArray:
        """Rows of arrays that stand one after another."""
        if len(parts) == 1:
            return np.asarray(parts[0][rows])
        out: Any = np.empty((len(rows), *parts[0].shape[1:]), dtype=np.result_type(*parts))
        for (start, end), part in zip(pairwise(self._starts.tolist()), parts, strict=True):
            own = (rows >= start) & (rows < end)
            out[own] = part[rows[own] - start]
        return np.asarray(out)

    @property
    def pooled(self) -> Tensor:
        """(len(self), d_pooled)."""
        return self._features("pooled", self._index)

    @property
    def projected(self) -> Tensor:
        """(len(self), d)."""
        return self._features("projected", self._index)

    @property
    def target(self) -> Tensor:
        """(len(self), n_classes)."""
        return self._targets(self._index)

    @property
    def lengths(self) -> Tensor:
        """(len(self), 2), of pooled and projected features."""
        norms = []
        for space in ("pooled", "projected"):
            features = self._gathered(self._index, [getattr(part.images.features, space) for part in self._parts])
            norms.append(np.linalg.norm(features, axis=1))
        return torch.as_tensor(np.stack(norms, axis=1), device=self._device).double()
