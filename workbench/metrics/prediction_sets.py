"""Sets of classes in place of one class: how often a set holds the true class, and how many classes it has."""

import numpy as np

from workbench.arrays import AnyArray, BoolArray, FloatArray, IntArray
from workbench.errors import DataError
from workbench.metrics import functional as F
from workbench.metrics.domains import domain_metrics, items_by_domain
from workbench.metrics.metric import Metric, Weighted, proportion


def conformal_quantile(probabilities: AnyArray, labels: AnyArray, coverage: float) -> float:
    """The least probability with which a class is in an item's set, by split conformal prediction.

    Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World" (2005); nonconformity is one less the true
    class's probability, which gives the smallest sets on average (Sadinle, Lei and Wasserman, "Least Ambiguous
    Set-Valued Classifiers with Bounded Error Levels", JASA 2019). Where validation and test items are exchangeable, a
    new item's set holds its class with a probability of at least `coverage`, over validation sets and items. That takes
    one line; MAPIE would be a dependency for it.

    Args:
        probabilities: (n, c) of validation items, none of which was fitted on.
        labels: int64 (n,).
        coverage: 0..1, exclusive.

    Returns:
        0..1; 0, so that each set has all classes, where there are too few items for that coverage.

    Raises:
        DataError: There is no item.
    """
    if not len(labels):
        raise DataError("prediction sets: need validation images, and there are none.")
    of_truth = np.sort(np.asarray(probabilities, np.float64)[np.arange(len(labels)), labels])[::-1]
    # A plain ceiling of (n + 1) * coverage would take 0.9 * 10 for more than 9.
    place = int(np.ceil((len(labels) + 1) * coverage - 1e-9))
    return float(of_truth[place - 1]) if place <= len(labels) else 0.0


class PredictionSets:
    """The set of each item.

    Args:
        inside: bool (n, c), the classes of each set.
        labels: int64 (n,).
        domains: See `ClassScores`.

    Attributes:
        covered: Whether the true class is in the set, bool (n,).
        sizes: Number of classes of each set, int64 (n,).
        domain_items: See `ClassScores`.
        is_source: None, see `ClassScores`.
    """

    domain_items: tuple[IntArray, ...] | None
    is_source: BoolArray | None = None

    def __init__(self, inside: AnyArray, labels: AnyArray, *, domains: AnyArray | None = None) -> None:
        self.inside, self.set_labels = np.asarray(inside, np.bool_), np.asarray(labels, np.int64)
        self.covered = self.inside[np.arange(len(self.set_labels)), self.set_labels]
        self.sizes = self.inside.sum(axis=1)
        self.domain_items = items_by_domain(domains)

    def only(self, items: IntArray) -> "PredictionSets":
        """Those of some items."""
        return PredictionSets(self.inside[items], self.set_labels[items])


def _coverage(sets: PredictionSets) -> Weighted:
    own = sets.set_labels[:, None] == np.arange(sets.inside.shape[1])
    covered, there = (own & sets.covered[:, None]).astype(np.float64), own.astype(np.float64)

    def of_classes(weights: FloatArray) -> F.Values:
        exact = weights.astype(np.float64)
        return F.ratio(exact @ covered, exact @ there)

    return Weighted(
        terms=sets.covered, fixed_sums=sets.covered / len(sets.covered), parts=of_classes,
        part_boundaries=np.maximum(there.sum(axis=0), 1).tolist(),
    )  # fmt: skip


def _size(sets: PredictionSets) -> Weighted:
    return Weighted(terms=sets.sizes.astype(np.float64))


_NEEDS = ["inside", "set_labels"]

METRICS: tuple[Metric, ...] = (
    proportion("set_coverage", _coverage, _NEEDS),
    Metric(name="set_size", of=_size, needs=tuple(_NEEDS), higher_is_better=False, bounds=(0.0, np.inf)),
)
DOMAIN_METRICS: tuple[Metric, ...] = tuple(each for metric in METRICS for each in domain_metrics(metric))
