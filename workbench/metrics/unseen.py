"""Generalised zero-shot learning: classes with and without training images, told apart in one label space."""

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics._checks import check_finite, check_labels
from workbench.metrics.estimate import Estimate


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
    logits = check_finite(scores, "scores")
    n, c = logits.shape
    labels = check_labels(labels, n, c)
    is_unseen = np.isin(np.arange(c), unseen)
    present = np.isin(np.arange(c), labels)
    if not (present & is_unseen).any() or not (present & ~is_unseen).any():
        raise DataError("labels: test needs items of seen and of unseen classes.")
    counts = F.ClassCounts(logits.argmax(axis=1), labels, c)

    def evaluate(weights: FloatArray) -> dict[str, F.Values]:
        hits, true, _ = counts(weights)
        recall = F.ratio(hits, true)
        seen, new = F.mean_of_defined(recall[:, ~is_unseen]), F.mean_of_defined(recall[:, is_unseen])
        # Nothing recognised on either side is an harmonic mean of 0.
        harmonic = np.where(seen + new > 0, F.ratio(2 * seen * new, np.where(seen + new > 0, seen + new, 1.0)), 0.0)
        harmonic = np.where(np.isnan(seen) | np.isnan(new), np.nan, harmonic)
        return {"seen_accuracy": seen, "unseen_accuracy": new, "harmonic_accuracy": harmonic}

    return estimates([evaluate], Resampler(n, groups, replicates=replicates, seed=seed))
