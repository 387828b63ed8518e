"""How much training has favoured the classes it has seen, found on seen classes that were hidden from it.

Calibrated stacking: Chao et al., "An Empirical Study and Analysis of Generalized Zero-Shot Learning for Object
Recognition in the Wild" (ECCV 2016), take a margin off the scores of seen classes, and trace what every margin gives.
Here it is the one with the best harmonic mean of accuracies when a quarter of the seen classes stands for the unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.plugin import AnyArray, ClassificationTask, FloatArray, LabelledImages

_MIN_SEEN = 4  # Fewer classes cannot be divided.


@dataclass(frozen=True)
class Rehearsal:
    """A task's seen classes, a quarter of them hidden from training.

    Attributes:
        task: Its classes are the seen ones, and the hidden ones its `unseen`.
        held: Training images of the hidden classes, numbered as in `task`.
    """

    task: ClassificationTask
    held: LabelledImages

    def best_margin(
        self, known: FloatArray, held: FloatArray, margins: Sequence[float] | None = None
    ) -> tuple[float, float]:
        """The margin with the best harmonic mean of accuracies (means over classes), and that mean.

        Args:
            known: (n, classes) scores of the task's validation images.
            held: (m, classes) scores of the hidden classes' images.
            margins: What to try; None tries 0 and a hundred of the differences that the scores have.

        Returns:
            Of equally good margins the smallest is taken.
        """
        hidden = list(self.task.unseen)
        a, b = _Part(known, self.task.val.labels, hidden), _Part(held, self.held.labels, hidden)
        if margins is None:
            gaps = np.concatenate([a.seen - a.hidden, b.seen - b.hidden])
            margins = [0.0, *np.quantile(gaps, np.linspace(0, 1, 101)).tolist()]
        found = [(_harmonic(a.accuracy(margin), b.accuracy(margin)), margin) for margin in margins]
        harmonic, margin = max(found, key=lambda each: (each[0], -abs(each[1])))
        return margin, harmonic


def rehearse(task: ClassificationTask, seen: AnyArray) -> Rehearsal | None:
    """Hide a quarter of the seen classes, drawn by the task's seed; None where there is nothing to choose a margin on.

    Args:
        task: What will be fitted.
        seen: int64, ascending: classes with training images.
    """
    if len(seen) < _MIN_SEEN or len(task.val) == 0:
        return None
    hidden = np.random.default_rng(task.seed).permutation(seen)[: max(1, len(seen) // 4)]
    small = task.restricted(seen)
    own = np.flatnonzero(np.isin(seen, hidden))
    kept = replace(
        small,
        train=small.train.subset(np.flatnonzero(~np.isin(small.train.labels, own))),
        val=small.val.subset(np.flatnonzero(~np.isin(small.val.labels, own))),
        unseen=tuple(own.tolist()),
    )
    held = small.train.subset(np.flatnonzero(np.isin(small.train.labels, own)))
    return Rehearsal(kept, held) if len(kept.train) and len(kept.val) and len(held) else None


class _Part:
    """Images of seen or of hidden classes, and the best score that either kind of class gives each.

    Args:
        scores: (n, classes).
        labels: (n,).
        hidden: Classes.

    Attributes:
        seen: float64 (n,), highest score of a seen class.
        hidden: float64 (n,), highest score of a hidden class.
    """

    def __init__(self, scores: FloatArray, labels: AnyArray, hidden: Sequence[int]) -> None:
        is_hidden = np.isin(np.arange(scores.shape[1]), hidden)
        wide = scores.astype(np.float64)
        by_kind = [np.where(is_hidden == kind, wide, -np.inf) for kind in (False, True)]
        self.seen, self.hidden = (own.max(axis=1) for own in by_kind)
        self._right = [own.argmax(axis=1) == labels for own in by_kind]
        present, self._own = np.unique(labels, return_inverse=True)
        self._count = np.bincount(self._own, minlength=len(present))

    def accuracy(self, margin: float) -> float:
        """Mean over classes, a margin being taken off seen ones."""
        hits = np.where(self.seen - margin >= self.hidden, *self._right)
        return float((np.bincount(self._own, hits, minlength=len(self._count)) / self._count).mean())


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0
