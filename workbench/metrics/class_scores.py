"""Scores of classes, single-label and multi-label, with the quantities that several metrics share, computed once."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from workbench.arrays import AnyArray, BoolArray, IntArray
from workbench.errors import DataError
from workbench.metrics import functional as F
from workbench.metrics._checks import check_finite, check_labels, check_masked_targets
from workbench.metrics.domains import items_by_domain, which_are_sources
from workbench.metrics.evaluator import SharedFunction

ClassSums = tuple[F.Values, F.Values, F.Values]
"""Weight of hits, of true and of predicted items by class, each (b, c)."""


class ClassScores:
    """One label an item. A constant added to an item's logits changes nothing here.

    Args:
        scores: Logits (n, c).
        labels: int64 (n,).
        unseen: Classes without training images.
        positive: Of two classes the one that `sensitivity` is about; the second, as in scikit-learn.
        exact_pairs: See `functional.Ranking`.
        domains: Domain of each item, int64 (n,) from 0 on, -1 for none.
        sources: The domains that training images are of.

    Raises:
        DataError: Scores hold NaN or infinity, or labels do not fit.

    Attributes:
        logits: Less the highest of each item, (n, c).
        labels: int64 (n,).
        n_classes: Number of classes.
        positive: The argument.
        unseen: int64, or None where there are none.
        domain_items: Positions of the items of each domain, or None where there are none.
        is_source: See `domains.which_are_sources`.
    """

    logits: F.Values
    labels: AnyArray
    n_classes: int
    positive: int
    unseen: AnyArray | None
    domain_items: tuple[IntArray, ...] | None
    is_source: BoolArray | None

    def __init__(
        self,
        scores: AnyArray,
        labels: AnyArray,
        *,
        unseen: Sequence[int] | AnyArray = (),
        positive: int = 1,
        exact_pairs: int = F.EXACT_PAIRS,
        domains: AnyArray | None = None,
        sources: Sequence[int] = (),
    ) -> None:
        self.logits = F.relative_logits(check_finite(scores, "scores"))
        n, self.n_classes = self.logits.shape
        self.labels = check_labels(labels, n, self.n_classes)
        self.unseen = np.asarray(unseen, dtype=np.int64) if len(unseen) else None
        self.positive = positive
        self._exact_pairs = exact_pairs
        self.domain_items = items_by_domain(domains)
        self.is_source = which_are_sources(self.domain_items, sources)

    def only(self, items: IntArray) -> "ClassScores":
        """Those of some items."""
        unseen = () if self.unseen is None else self.unseen
        return ClassScores(
            self.logits[items], self.labels[items],
            unseen=unseen, positive=self.positive, exact_pairs=self._exact_pairs,
        )  # fmt: skip

    @cached_property
    def predicted(self) -> AnyArray:
        """Class of the highest score, int64 (n,); of equal scores the lower class."""
        return np.asarray(self.logits.argmax(axis=1))

    @cached_property
    def hits(self) -> BoolArray:
        """Whether each item is right, (n,)."""
        return np.asarray(self.predicted == self.labels)

    @cached_property
    def probabilities(self) -> F.Values:
        """Softmax, (n, c)."""
        return F.softmax(self.logits)

    @property
    def nll_terms(self) -> F.Values:
        """See `functional.nll_terms`."""
        return F.nll_terms(self.logits, self.labels)

    @property
    def brier_terms(self) -> F.Values:
        """See `functional.brier_terms`."""
        return F.brier_terms(self.probabilities, self.labels)

    @cached_property
    def bins(self) -> F.BinSums:
        """Of the top class's probability."""
        return F.BinSums(self.probabilities.max(axis=1), self.hits)

    @cached_property
    def class_sizes(self) -> AnyArray:
        """Items of each class, int64 (c,)."""
        return np.bincount(self.labels, minlength=self.n_classes)

    @cached_property
    def class_counts(self) -> SharedFunction[ClassSums]:
        """As functions of item weights."""
        return SharedFunction(F.ClassCounts(self.predicted, self.labels, self.n_classes))

    @cached_property
    def ranking(self) -> F.Ranking:
        """One class against the rest."""
        targets = self.labels[:, None] == np.arange(self.n_classes)
        return F.Ranking(F.log_odds(self.logits), targets, exact_pairs=self._exact_pairs)

    @cached_property
    def ranked(self) -> SharedFunction[tuple[F.Values, F.Values]]:
        """AUROC and average precision as functions of item weights."""
        return SharedFunction(self.ranking)

    @property
    def class_boundary(self) -> float:
        """See `number_behind_class_means`."""
        return number_behind_class_means(self.class_sizes)


class LabelScores:
    """Several labels an item.

    Args:
        scores: Logits (n, c).
        labels: bool (n, c), or floating with NaN where it is not known whether the item has the label. Such a label
            counts nowhere: means over an item's labels are over the known ones.
        exact_pairs: See `functional.Ranking`.
        domains: Domain of each item, int64 (n,) from 0 on, -1 for none.
        sources: The domains that training images are of.

    Raises:
        DataError: Scores hold NaN or infinity, labels do not fit, or no label of an item is known.

    Attributes:
        logits: (n, c).
        targets: bool (n, c), False where not known.
        known: bool (n, c); None where all labels are known.
        domain_items: Positions of the items of each domain, or None where there are none.
        is_source: See `domains.which_are_sources`.
    """

    logits: AnyArray
    targets: AnyArray
    known: AnyArray | None
    domain_items: tuple[IntArray, ...] | None
    is_source: BoolArray | None

    def __init__(
        self,
        scores: AnyArray,
        labels: AnyArray,
        *,
        exact_pairs: int = F.EXACT_PAIRS,
        domains: AnyArray | None = None,
        sources: Sequence[int] = (),
    ) -> None:
        self.logits = check_finite(scores, "scores")
        self._labels = np.asarray(labels)
        self.targets, self.known = check_masked_targets(labels, self.logits.shape)
        self._exact_pairs = exact_pairs
        self.domain_items = items_by_domain(domains)
        self.is_source = which_are_sources(self.domain_items, sources)

    def only(self, items: IntArray) -> "LabelScores":
        """Those of some items."""
        return LabelScores(self.logits[items], self._labels[items], exact_pairs=self._exact_pairs)

    @cached_property
    def decisions(self) -> BoolArray:
        """Labels of a probability of at least 0.5, bool (n, c)."""
        return np.asarray(self.logits >= 0)

    @property
    def hits(self) -> BoolArray:
        """Whether every known label of an item is right, (n,)."""
        right = self.decisions == self.targets
        return np.asarray((right if self.known is None else right | ~self.known).all(axis=1))

    @cached_property
    def probabilities(self) -> F.Values:
        """Sigmoid, (n, c)."""
        return F.sigmoid(self.logits)

    @property
    def nll_terms(self) -> F.Values:
        """See `functional.binary_nll_terms`."""
        return F.binary_nll_terms(self.logits, self.targets, self.known)

    @property
    def brier_terms(self) -> F.Values:
        """Mean over labels of the squared error of the probability, (n,)."""
        return F.mean_of_known((self.probabilities - self.targets) ** 2, self.known)

    @cached_property
    def bins(self) -> F.BinSums:
        """Over all decisions."""
        return F.BinSums(self.probabilities, self.targets, known=self.known)

    @cached_property
    def class_counts(self) -> SharedFunction[ClassSums]:
        """As functions of item weights."""
        decided = self.decisions if self.known is None else self.decisions & self.known
        parts = [part.astype(np.float32) for part in (decided & self.targets, self.targets, decided)]

        def sums(weights: AnyArray) -> ClassSums:
            hits, true, predicted = ((weights @ part).astype(np.float64) for part in parts)
            return hits, true, predicted

        return SharedFunction(sums)

    @cached_property
    def ranking(self) -> F.Ranking:
        """Within a label logits order images as their probabilities do."""
        return F.Ranking(self.logits, self.targets, macro=False, exact_pairs=self._exact_pairs, known=self.known)

    @cached_property
    def ranked(self) -> SharedFunction[tuple[F.Values, F.Values]]:
        """AUROC and average precision of each label as functions of item weights."""
        return SharedFunction(self.ranking)

    @property
    def class_boundary(self) -> float:
        """See `number_behind_class_means`."""
        return number_behind_class_means(self.targets.sum(axis=0))


def stacked_scores(scores: AnyArray) -> AnyArray:
    """Logits (s, n, c) of (n, c) or (s, n, c); raises `DataError` for other shapes."""
    logits = np.asarray(scores)
    logits = logits[None] if logits.ndim == 2 else logits
    if logits.ndim != 3 or logits.shape[2] == 0:
        raise DataError(f"scores: expected logits (n, classes) or (seeds, n, classes), got shape {np.shape(scores)}.")
    return logits


def number_behind_class_means(sizes: AnyArray) -> float:
    """Effective number of items of a mean over classes, each a mean over its items: 1 / sum_c (1 / (k^2 n_c))."""
    present = np.asarray(sizes, np.float64)[np.asarray(sizes) > 0]
    return float(len(present) ** 2 / (1.0 / present).sum()) if len(present) else 0.0
