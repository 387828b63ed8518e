"""Generalised zero-shot learning: classes with and without training images in one label space."""

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.errors import DataError
from workbench.metrics import functional as F
from workbench.metrics.class_scores import ClassScores
from workbench.metrics.classification import classification_metrics
from workbench.metrics.estimate import Estimate
from workbench.metrics.metric import Metric, Weighted, proportion, share


def _parts(scores: ClassScores) -> tuple[BoolArray, BoolArray]:
    """Seen and unseen classes that test has, bool (c,) each.

    Raises:
        DataError: It lacks the ones or the others.
    """
    is_unseen = np.isin(np.arange(scores.n_classes), np.asarray(scores.unseen))
    present = scores.class_sizes > 0
    if not (present & is_unseen).any() or not (present & ~is_unseen).any():
        raise DataError("labels: test needs items of seen and of unseen classes.")
    return present & ~is_unseen, present & is_unseen


def _mean_recall(scores: ClassScores, classes: BoolArray) -> Weighted:
    sizes = scores.class_sizes
    part = classes / (np.count_nonzero(classes) * np.maximum(sizes, 1))
    return Weighted(
        lambda weights: _recall(scores, classes, weights),
        fixed_sums=np.where(scores.hits, part[scores.labels], 0.0),
        boundary=_boundary(scores, classes),
    )


def _recall(scores: ClassScores, classes: BoolArray, weights: AnyArray) -> F.Values:
    hits, true, _ = scores.class_counts(weights)
    return F.mean_of_defined(F.ratio(hits, true)[:, classes])


def _boundary(scores: ClassScores, classes: BoolArray) -> float:
    return float(np.count_nonzero(classes) ** 2 / (1.0 / scores.class_sizes[classes]).sum())


def _seen(scores: ClassScores) -> Weighted:
    return _mean_recall(scores, _parts(scores)[0])


def _unseen(scores: ClassScores) -> Weighted:
    return _mean_recall(scores, _parts(scores)[1])


def _harmonic(scores: ClassScores) -> Weighted:
    both = _parts(scores)

    def evaluate(weights: AnyArray) -> F.Values:
        seen, new = (_recall(scores, classes, weights) for classes in both)
        # Nothing recognised on either side is an harmonic mean of 0.
        harmonic = np.where(seen + new > 0, F.ratio(2 * seen * new, np.where(seen + new > 0, seen + new, 1.0)), 0.0)
        return np.where(np.isnan(seen) | np.isnan(new), np.nan, harmonic)

    return Weighted(evaluate, boundary=min(_boundary(scores, classes) for classes in both))


_NEEDS = ["unseen", "class_counts", "class_sizes"]
METRICS: tuple[Metric, ...] = (
    proportion("seen_accuracy", _seen, _NEEDS, biased_under_resampling=True),
    proportion("unseen_accuracy", _unseen, _NEEDS, biased_under_resampling=True),
    share("harmonic_accuracy", _harmonic, _NEEDS, biased_under_resampling=True, from_counts=True),
)


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
    return classification_metrics(
        scores, labels, groups, metrics=METRICS, unseen=unseen, replicates=replicates, seed=seed
    )  # fmt: skip
