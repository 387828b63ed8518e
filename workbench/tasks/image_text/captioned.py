"""Images, texts, and the pairs of them that belong together."""

from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray
from workbench.images import ImageSet


@dataclass(frozen=True)
class CaptionedImages:
    """Images and the texts that are true of them.

    Attributes:
        images: n images.
        texts: m different texts; one that several images share stands here once.
        positives: int64 (p, 2), pairs (image, text) that belong together, in ascending order, each once.
        groups: int64 (n,) group indices where the card names groups, else None.
    """

    images: ImageSet
    texts: tuple[str, ...]
    positives: AnyArray
    groups: AnyArray | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def has_pairs(self) -> bool:
        """Whether any image has a text; without one there is nothing to learn from or to measure."""
        return len(self.positives) > 0

    def texts_of(self, rows: AnyArray) -> tuple[AnyArray, AnyArray]:
        """The texts of some images.

        Args:
            rows: int64 (b,), different images.

        Returns:
            int64 (t,), the texts that belong to at least one of them, ascending; and bool (b, t), the pairs.
        """
        place = np.full(len(self), -1)
        place[rows] = np.arange(len(rows))
        pairs = self.positives[place[self.positives[:, 0]] >= 0]
        texts, column = np.unique(pairs[:, 1], return_inverse=True)
        belongs = np.zeros((len(rows), len(texts)), dtype=np.bool_)
        belongs[place[pairs[:, 0]], column.reshape(-1)] = True
        return texts, belongs
