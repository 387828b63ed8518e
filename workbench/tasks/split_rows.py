"""The rows of a dataset that a run takes."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from workbench.arrays import IntArray
from workbench.datasets.card_sources import SplitName

Part = SplitName | Literal["unlabelled"]
"""A split, or the images that a recipe is given without labels."""


def _none() -> IntArray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class SplitRows:
    """Manifest rows of a run.

    Attributes:
        train: int64, to fit on.
        val: int64.
        test: int64.
        unlabelled: int64, given without labels; may be rows of train, too.
        labels_only: The recipe reads only labels of train and val: their images are not read.
        unreadable: Rows that were left out because their images cannot be read.
    """

    train: IntArray
    val: IntArray
    test: IntArray
    unlabelled: IntArray = field(default_factory=_none)
    labels_only: bool = False
    unreadable: tuple[int, ...] = ()

    def seen(self, part: Part) -> IntArray:
        """The rows of a part whose images are read."""
        rows: IntArray = getattr(self, part)
        return rows[:0] if self.labels_only and part in {"train", "val"} else rows
