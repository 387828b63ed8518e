"""The rows of a dataset that a run takes."""

from dataclasses import dataclass

from workbench.arrays import IntArray
from workbench.datasets.card_sources import SplitName


@dataclass(frozen=True)
class SplitRows:
    """Manifest rows of a run.

    Attributes:
        train: int64, to fit on.
        val: int64.
        test: int64.
        labels_only: The recipe reads only labels of train and val: their images are not read.
        unreadable: Rows that were left out because their images cannot be read.
    """

    train: IntArray
    val: IntArray
    test: IntArray
    labels_only: bool = False
    unreadable: tuple[int, ...] = ()

    def seen(self, split: SplitName) -> IntArray:
        """The rows of a split whose images are read."""
        rows: IntArray = getattr(self, split)
        return rows[:0] if self.labels_only and split != "test" else rows
