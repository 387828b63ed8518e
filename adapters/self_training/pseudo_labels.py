"""Pseudo-labels: the surest images of each class."""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from workbench.plugin import AnyArray, FloatArray, ImageSet, LabelledImages


@dataclass(frozen=True)
class PseudoLabels:
    """Images that a classifier has labelled.

    Attributes:
        rows: int64 (k,), ascending positions in the pool.
        labels: int64 (k,), their classes.
    """

    rows: AnyArray
    labels: AnyArray

    @classmethod
    def of(cls, scores: FloatArray, per_class: int | None, threshold: float = 0.0) -> "PseudoLabels":
        """The surest images that are taken for each class.

        Args:
            scores: (n, n_classes) logits of the pool.
            per_class: Most images a class; None takes all.
            threshold: Least probability, 0..1.
        """
        chance = softmax(scores.astype(np.float64), axis=1)
        guess, sure = chance.argmax(axis=1), chance.max(axis=1)
        chosen = []
        for c in range(scores.shape[1]):
            own = np.flatnonzero((guess == c) & (sure >= threshold))
            chosen.append(own[np.argsort(-sure[own], kind="stable")][:per_class])
        rows = np.sort(np.concatenate(chosen))
        return cls(rows, guess[rows])

    def images(self, pool: ImageSet) -> LabelledImages:
        """The images with their pseudo-labels."""
        return LabelledImages(pool.subset(self.rows), self.labels)

    def changed_since(self, before: "PseudoLabels") -> int:
        """Number of images that are labelled otherwise than before, or were not labelled then."""
        known = dict(zip(before.rows.tolist(), before.labels.tolist(), strict=True))
        return sum(known.get(row) != label for row, label in zip(self.rows.tolist(), self.labels.tolist(), strict=True))
