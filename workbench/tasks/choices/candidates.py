"""Items of matching and grounding: each has pairs of image and text to choose from."""

from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray
from workbench.images import ImageSet


@dataclass(frozen=True)
class Candidates:
    """Items with pairs of image and text to choose from.

    An item of matching has one image and several texts; one of grounding has one text and several images, each a
    candidate box; an item of the form `pairs` has two images and two texts, in the order (0, 0), (0, 1), (1, 0),
    (1, 1) of (image, text); a statement has one pair.

    Attributes:
        images: n images; of grounding cut-outs around n boxes, which have `places`.
        texts: m different texts.
        pairs: int64 (p, 2), (image, text) of every candidate.
        item: int64 (p,), the item that each candidate belongs to, ascending from 0 without gaps.
    """

    images: ImageSet
    texts: tuple[str, ...]
    pairs: AnyArray
    item: AnyArray

    @property
    def starts(self) -> AnyArray:
        """The position of each item's first candidate, int64 (items,)."""
        return np.flatnonzero(np.diff(self.item, prepend=-1))

    def shuffled(self, seed: int) -> tuple["Candidates", AnyArray]:
        """The same items with candidates, images and texts in random orders, which do not show the right ones.

        Returns:
            The candidates, and their positions in this object, int64 (p,).
        """
        rng = np.random.default_rng(seed)
        order = np.lexsort((rng.random(len(self.item)), self.item))
        images, texts = rng.permutation(len(self.images)), rng.permutation(len(self.texts))
        rows, columns = self.pairs[order].T
        pairs = np.column_stack([np.argsort(images)[rows], np.argsort(texts)[columns]])
        shuffled_texts = tuple(self.texts[i] for i in texts)
        return Candidates(self.images.subset(images), shuffled_texts, pairs, self.item[order]), order


@dataclass(frozen=True)
class Choices(Candidates):
    """Candidates with their truth: right ones should score higher than wrong ones.

    Attributes:
        is_correct: bool (p,), which candidates are right; of a statement, whether it is true.
        categories: Category of each item, the card's column `kind` (`attribute`, `relation`, ...), or empty texts.
        groups: int64, group of each item: the card's, or the image where several items share one; else None.
    """

    is_correct: AnyArray
    categories: tuple[str, ...]
    groups: AnyArray | None = None

    def __len__(self) -> int:
        return len(self.categories)

    @property
    def has_pairs(self) -> bool:
        """Whether there is any item; see `CaptionedImages.has_pairs`."""
        return len(self.pairs) > 0

    @property
    def candidates(self) -> Candidates:
        """Without truth, categories and groups. The order may show the truth; see `shuffled`."""
        return Candidates(self.images, self.texts, self.pairs, self.item)
