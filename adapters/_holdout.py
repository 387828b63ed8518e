"""How much training has favoured the seen classes, measured on seen classes that were held out of it.

Calibrated stacking: Chao et al., "An Empirical Study and Analysis of Generalized Zero-Shot Learning for Object
Recognition in the Wild" (ECCV 2016), take a margin off the scores of seen classes, and trace what every margin gives.
Here the margin is the one with the best harmonic mean of accuracies when a quarter of the seen classes is held out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.plugin import AnyArray, ClassificationTask, FloatArray, LabelledImages

_MIN_SEEN = 4  # Fewer classes cannot be divided.


@dataclass(frozen=True)
class Holdout:
    """A task restricted to its seen classes, with a quarter of them held out.

    Attributes:
        task: Its classes are the seen ones; those held out are its `unseen`.
        images: Training images of the held-out classes, numbered as in `task`.
    """

    task: ClassificationTask
    images: LabelledImages

    def best_margin(
        self, val_scores: FloatArray, holdout_scores: FloatArray, margins: Sequence[float] | None = None
    ) -> tuple[float, float]:
        """The margin with the best harmonic mean of accuracies (means over classes), and that mean.

        Args:
            val_scores: (n, classes) scores of the task's validation images.
            holdout_scores: (m, classes) scores of the held-out images.
            margins: Margins to try; None tries 0 and percentiles of the differences between the scores.

        Returns:
            Of equally good margins the smallest is taken.
        """
        hidden = list(self.task.unseen)
        val = _Part(val_scores, self.task.val.labels, hidden)
        holdout = _Part(holdout_scores, self.images.labels, hidden)
        if margins is None:
            gaps = np.concatenate([val.seen - val.hidden, holdout.seen - holdout.hidden])
            margins = [0.0, *np.quantile(gaps, np.linspace(0, 1, 101)).tolist()]
        trials = [(_harmonic(val.accuracy(margin), holdout.accuracy(margin)), margin) for margin in margins]
        harmonic, margin = max(trials, key=lambda trial: (trial[0], -abs(trial[1])))
        return margin, harmonic


def hold_out_classes(task: ClassificationTask, seen: AnyArray) -> Holdout | None:
    """Hold out a quarter of the seen classes, drawn by the task's seed; None where no images are left for a margin.

    Args:
        task: The task to be fitted.
        seen: int64, ascending: classes with training images.
    """
    if len(seen) < _MIN_SEEN or len(task.val) == 0:
        return None
    hidden = np.random.default_rng(task.seed).permutation(seen)[: max(1, len(seen) // 4)]
    restricted = task.restricted(seen)
    hidden_numbers = np.flatnonzero(np.isin(seen, hidden))
    kept = replace(
        restricted,
        train=restricted.train.subset(np.flatnonzero(~np.isin(restricted.train.labels, hidden_numbers))),
        val=restricted.val.subset(np.flatnonzero(~np.isin(restricted.val.labels, hidden_numbers))),
        unseen=tuple(hidden_numbers.tolist()),
    )
    images = restricted.train.subset(np.flatnonzero(np.isin(restricted.train.labels, hidden_numbers)))
    return Holdout(kept, images) if len(kept.train) and len(kept.val) and len(images) else None


class _Part:
    """Images with their highest scores among seen and among hidden classes.

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
        masked = [np.where(is_hidden == hidden_class, wide, -np.inf) for hidden_class in (False, True)]
        self.seen, self.hidden = (part.max(axis=1) for part in masked)
        self._is_correct = [part.argmax(axis=1) == labels for part in masked]
        present, self._labels = np.unique(labels, return_inverse=True)
        self._count = np.bincount(self._labels, minlength=len(present))

    def accuracy(self, margin: float) -> float:
        """Mean over classes, a margin being taken off seen ones."""
        hits = np.where(self.seen - margin >= self.hidden, *self._is_correct)
        return float((np.bincount(self._labels, hits, minlength=len(self._count)) / self._count).mean())


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0
