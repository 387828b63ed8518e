"""Generalised zero-shot learning: classes with and without training images, told apart in one label space."""

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics._checks import check_finite, check_labels
from workbench.metrics.estimate import Estimate

UNSEEN_METRICS = ("seen_accuracy", "unseen_accuracy", "harmonic_accuracy")


def unseen_metrics(
    scores: AnyArray,
    labels: AnyArray,
    unseen: AnyArray,
    groups: AnyArray | None = None,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """`seen_accuracy`, `unseen_accuracy` and their harmonic mean, `harmonic_accuracy`.

    Xian et al., "Zero-Shot Learning: A Comprehensive Evaluation of the Good, the Bad and the Ugly" (TPAMI 2019),
    section 3.2: each is the mean over its classes of the share of a class's items that are recognised among all
    classes, seen and unseen.

    Args:
        scores: Logits (n, c).
        labels: int64 (n,).
        unseen: int64, classes without training images.
        groups: (n,) groups that are resampled whole.
        replicates: Number of bootstrap resamples.
        seed: Seeds them.

    Raises:
        DataError: Scores are not finite, or test lacks seen or unseen classes.
    """
    evaluator = SeenAndUnseen(scores, labels, unseen)
    resampler = Resampler(len(labels), groups, replicates=replicates, seed=seed)
    return estimates([evaluator], resampler, boundary=evaluator.boundary)


class SeenAndUnseen:
    """The metrics of `unseen_metrics` of one run as functions of item weights; arguments and errors as there.

    Attributes:
        terms: No metric is a mean over items.
        fixed_sums: What the metrics are sums of, (n,), that are such sums while labels and weights stay.
        boundary: Effective number of items behind each metric.
    """

    def __init__(self, scores: AnyArray, labels: AnyArray, unseen: AnyArray) -> None:
        logits = F.relative_logits(check_finite(scores, "scores"))
        n, c = logits.shape
        labels = check_labels(labels, n, c)
        is_unseen = np.isin(np.arange(c), unseen)
        present = np.isin(np.arange(c), labels)
        if not (present & is_unseen).any() or not (present & ~is_unseen).any():
            raise DataError("labels: test needs items of seen and of unseen classes.")
        predicted = logits.argmax(axis=1)
        self._counts = F.ClassCounts(predicted, labels, c)
        self._is_unseen = is_unseen
        self.terms: dict[str, AnyArray] = {}
        self.fixed_sums: dict[str, AnyArray] = {}
        self.boundary: dict[str, float] = {}
        size = np.bincount(labels, minlength=c)
        for name, kind in (("seen_accuracy", present & ~is_unseen), ("unseen_accuracy", present & is_unseen)):
            share = kind / (np.count_nonzero(kind) * np.maximum(size, 1))
            self.fixed_sums[name] = np.where(predicted == labels, share[labels], 0.0)
            self.boundary[name] = float(np.count_nonzero(kind) ** 2 / (1.0 / size[kind]).sum())
        self.boundary["harmonic_accuracy"] = min(self.boundary.values())

    def __call__(self, weights: FloatArray) -> dict[str, F.Values]:
        """Metrics by name, each (b,), of weights (b, n)."""
        hits, true, _ = self._counts(weights)
        recall = F.ratio(hits, true)
        seen, new = (F.mean_of_defined(recall[:, self._is_unseen == kind]) for kind in (False, True))
        # Nothing recognised on either side is an harmonic mean of 0.
        harmonic = np.where(seen + new > 0, F.ratio(2 * seen * new, np.where(seen + new > 0, seen + new, 1.0)), 0.0)
        harmonic = np.where(np.isnan(seen) | np.isnan(new), np.nan, harmonic)
        return {"seen_accuracy": seen, "unseen_accuracy": new, "harmonic_accuracy": harmonic}

    def influence(self, metric: str) -> None:
        """All replicates are exact."""
