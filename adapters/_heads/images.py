"""Images as tensors: features of unit norm in both spaces, and targets."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from workbench.plugin import AnyArray, LabelledImages, normalise


class Images:
    """Features of unit norm and targets.

    Args:
        pooled: (n, d_pooled).
        projected: (n, d).
        target: (n, n_classes), one-hot or, where multi-label, 0/1, NaN where not known.
        lengths: (n, 2) norms of pooled and projected features before normalisation.
        rows: Rows to keep, in this order; None for all.
    """

    def __init__(
        self, pooled: Tensor, projected: Tensor, target: Tensor, lengths: Tensor, rows: Tensor | None = None
    ) -> None:
        self._all = pooled, projected, target, lengths
        self._rows = rows

    @classmethod
    def of(cls, data: LabelledImages, n_classes: int, device: str) -> "Images":
        """The images of a split, with unit-norm features in float64."""
        features = data.images.features
        labels = torch.as_tensor(data.labels, device=device)
        if labels.ndim == 1:
            labels = torch.nn.functional.one_hot(labels.long(), n_classes)
        return cls(
            torch.as_tensor(normalise(features.pooled), device=device).double(),
            torch.as_tensor(normalise(features.projected), device=device).double(),
            labels.double(),
            torch.stack(
                [torch.as_tensor(np.linalg.norm(x, axis=1)) for x in (features.pooled, features.projected)], dim=1
            ).to(labels.device, torch.float64),
        )

    def _select(self, values: Tensor) -> Tensor:
        return values if self._rows is None else values[self._rows]

    @property
    def pooled(self) -> Tensor:
        """(len(self), d_pooled)."""
        return self._select(self._all[0])

    @property
    def projected(self) -> Tensor:
        """(len(self), d)."""
        return self._select(self._all[1])

    @property
    def target(self) -> Tensor:
        """(len(self), n_classes)."""
        return self._select(self._all[2])

    @property
    def lengths(self) -> Tensor:
        """(len(self), 2), of pooled and projected features."""
        return self._select(self._all[3])

    def __len__(self) -> int:
        return len(self._all[2]) if self._rows is None else len(self._rows)

    def __add__(self, other: "Images") -> "Images":
        return Images(
            torch.cat([self.pooled, other.pooled]),
            torch.cat([self.projected, other.projected]),
            torch.cat([self.target, other.target]),
            torch.cat([self.lengths, other.lengths]),
        )

    def take(self, index: AnyArray | Sequence[int]) -> "Images":
        """The images at `index`."""
        rows = torch.as_tensor(np.asarray(index, dtype=np.int64), device=self._all[2].device)
        return Images(*self._all, rows=rows if self._rows is None else self._rows[rows])
