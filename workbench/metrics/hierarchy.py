"""Classes in a hierarchy of ranks (species, genus, family): accuracy at each, how far off mistakes are, backing off.

- Accuracy at a rank is of the taxon with the greatest sum of its classes' probabilities.
- The distance of two classes is the height of their lowest common ancestor: 0 for one class, 1 for two of a genus, and
  so on up to the root, above the highest rank. Its mean over all images is the hierarchical distance of the first
  answer, that over mistakes alone their severity (Bertinetto et al., "Making Better Mistakes", CVPR 2020).
- Backing off answers with the lowest rank at which a taxon reaches a threshold of probability, or not at all. The
  information of an answer is 1 - log(classes of the taxon) / log(all classes), and 0 where it is wrong (Deng et al.,
  "Hedging Your Bets: Optimizing Accuracy-Specificity Trade-offs in Large Scale Visual Recognition", CVPR 2012). There
  the root counts as a right answer; here it is none, so that refusing makes nothing more accurate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from workbench.arrays import AnyArray, BoolArray, FloatArray, IntArray
from workbench.metrics import functional as F
from workbench.metrics.metric import Metric, Weighted, mean_of, proportion, share


@dataclass(frozen=True)
class Taxonomy:
    """The taxon of each class at each rank.

    Attributes:
        of_classes: What classes themselves are called: `species`.
        ranks: Those above, the lowest first.
        taxa: Of each rank the taxon of each class, (r, c). Taxa are nested: two classes of one taxon are of one taxon
            at all higher ranks.
    """

    of_classes: str
    ranks: tuple[str, ...]
    taxa: tuple[tuple[str, ...], ...]

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the classes' own level and of the ranks, r + 1."""
        return (self.of_classes, *self.ranks)

    @cached_property
    def codes(self) -> IntArray:
        """The taxon of each class at each level, int64 (r + 1, c), from 0 on; the first row are the classes."""
        rows = [np.unique(np.array(names, dtype=np.str_), return_inverse=True)[1].reshape(-1) for names in self.taxa]
        return np.stack([np.arange(len(self.taxa[0])), *rows]).astype(np.int64)

    def distances(self, first: AnyArray, second: AnyArray) -> IntArray:
        """The height of the lowest common ancestor of classes int64 (n,) and (n,), 0..r + 1."""
        return np.asarray((self.codes[:, first] != self.codes[:, second]).sum(axis=0), dtype=np.int64)

    def rolled_up(self, probabilities: AnyArray, level: int) -> F.Values:
        """Probabilities of the taxa of a level, (n, t), of those of classes (n, c)."""
        sums = np.zeros((int(self.codes[level].max()) + 1, len(probabilities)))
        np.add.at(sums, self.codes[level], np.asarray(probabilities, np.float64).T)
        return sums.T

    def information(self, level: int) -> F.Values:
        """Of each taxon of a level, (t,), 0..1: 1 for a class, 0 for a taxon of all."""
        sizes = np.bincount(self.codes[level])
        return np.asarray(1 - np.log(sizes) / np.log(self.codes.shape[1]))

    def name(self, level: int, taxon: int, class_names: Sequence[str]) -> str:
        """The name of a taxon by its number in the row of `codes`."""
        if level == 0:
            return class_names[taxon]
        return self.taxa[level - 1][int(np.flatnonzero(self.codes[level] == taxon)[0])]

    def reordered(self, order: IntArray) -> "Taxonomy":
        """With classes in another order: class i is then class `order[i]` of now."""
        return Taxonomy(self.of_classes, self.ranks, tuple(tuple(names[i] for i in order) for names in self.taxa))

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {"of_classes": self.of_classes, "ranks": self.ranks, "taxa": self.taxa}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """From `to_dict`."""
        return cls(values["of_classes"], tuple(values["ranks"]), tuple(map(tuple, values["taxa"])))


@dataclass(frozen=True)
class LikeliestTaxa:
    """The likeliest taxon of each image at each level, from the classes up.

    Attributes:
        probabilities: (n, r + 1), which never falls from one level to the next.
        taxa: int64 (n, r + 1), its number in the row of `Taxonomy.codes`.
        hits: bool (n, r + 1), whether it is the true one.
        information: (n, r + 1), see `Taxonomy.information`.
    """

    probabilities: F.Values
    taxa: IntArray
    hits: BoolArray
    information: F.Values

    @classmethod
    def of(cls, taxonomy: Taxonomy, probabilities: AnyArray, labels: AnyArray) -> Self:
        """Those of probabilities (n, c) of images of classes int64 (n,)."""
        chances, taxa, hits, information = [], [], [], []
        for level in range(len(taxonomy.levels)):
            sums = taxonomy.rolled_up(probabilities, level)
            best = sums.argmax(axis=1)
            chances.append(sums[np.arange(len(sums)), best])
            taxa.append(best)
            hits.append(best == taxonomy.codes[level][labels])
            information.append(taxonomy.information(level)[best])
        # Sums of the same numbers in another order may differ in the last bit.
        rising = np.maximum.accumulate(np.stack(chances, axis=1), axis=1)
        return cls(rising, *(np.stack(columns, axis=1) for columns in (taxa, hits, information)))

    def answered(self, threshold: float) -> IntArray:
        """The lowest level whose probability is at least a threshold, int64 (n,); -1 where none is."""
        reached = self.probabilities >= threshold
        return np.where(reached.any(axis=1), reached.argmax(axis=1), -1).astype(np.int64)


def choose_backoff(taxa: LikeliestTaxa, accuracy: float) -> float:
    """The threshold with the most information of those whose answers reach an accuracy.

    Args:
        taxa: Of validation images.
        accuracy: Share of the answers that is to be right, 0..1.

    Returns:
        One of their probabilities; infinite, so that nothing is answered, where none reaches it.
    """
    chances = taxa.probabilities
    steps = np.unique(chances)
    below = np.column_stack([np.full(len(chances), -np.inf), chances[:, :-1]])
    # An image is answered at a level by the thresholds above the level below's probability, up to its own.
    first, last = (np.searchsorted(steps, edge.reshape(-1), side="right") for edge in (below, chances))
    answers, hits, information = (
        _over_thresholds(first, last, amounts.astype(np.float64).reshape(-1), len(steps))
        for amounts in (np.ones_like(chances), taxa.hits, taxa.hits * taxa.information)
    )
    good = (answers > 0.5) & (hits >= accuracy * answers - 1e-9)
    if not good.any():
        return float("inf")
    best = information[good].max()
    return float(steps[good & (information >= best - 1e-9)].max())


def _over_thresholds(first: AnyArray, last: AnyArray, amounts: AnyArray, count: int) -> F.Values:
    """The sum at each of `count` places of amounts that each hold from `first` up to before `last`."""
    steps = np.zeros(count + 1)
    np.add.at(steps, first, amounts)
    np.add.at(steps, last, -amounts)
    return np.asarray(np.cumsum(steps)[:-1])


class HierarchicalAnswers:
    """How right the answers for images are, rank by rank.

    Args:
        rank_hits: bool (n, r), of the likeliest taxon at each rank above the classes.
        distances: (n,), of the likeliest class from the true one.
        answered: int64 (n,), the level of the answer where images back off, 0 for the class, -1 for none; None without.
        answered_right: bool (n,), whether that answer is right.
        information: (n,), of that answer, 0 where it is wrong or none.
    """

    def __init__(
        self,
        rank_hits: AnyArray,
        distances: AnyArray,
        answered: AnyArray | None = None,
        answered_right: AnyArray | None = None,
        information: AnyArray | None = None,
    ) -> None:
        self.rank_hits = np.asarray(rank_hits, np.bool_)
        self.distances = np.asarray(distances, np.float64)
        self.answered = answered
        self.answered_right = answered_right
        self.information = information


def _columns(table: AnyArray) -> Weighted:
    """A metric whose parts are means of the columns of bool (n, k)."""
    return Weighted(parts=lambda weights: F.weighted_means(table, weights))


def _ratio_of(top: AnyArray, bottom: AnyArray) -> Weighted | None:
    """The sum of `top` by that of `bottom`, (n,) each; None where that is 0."""
    if not bottom.any():
        return None
    table = np.column_stack([top, bottom]).astype(np.float64)

    def evaluate(weights: FloatArray) -> F.Values:
        sums = weights.astype(np.float64) @ table
        return F.ratio(sums[:, 0], sums[:, 1])

    return Weighted(evaluate, boundary=float(np.count_nonzero(bottom)))


def _coverage(answers: HierarchicalAnswers) -> Weighted:
    levels = answers.rank_hits.shape[1] + 1
    at = answers.answered[:, None] == np.arange(levels)  # type: ignore[index]
    answered = at.any(axis=1)
    return Weighted(
        terms=answered, fixed_sums=answered / len(answered), parts=lambda weights: F.weighted_means(at, weights)
    )


_UNBOUNDED: dict[str, Any] = {"higher_is_better": False, "bounds": (0.0, np.inf)}

METRICS: tuple[Metric, ...] = (
    proportion("rank_accuracy", lambda answers: _columns(answers.rank_hits), ["rank_hits"]),
    Metric(
        name="hierarchical_distance", of=lambda answers: mean_of(answers.distances), needs=("distances",),
        from_counts=True, **_UNBOUNDED,
    ),
    Metric(
        name="mistake_severity", of=lambda answers: _ratio_of(answers.distances, answers.distances > 0),
        needs=("distances",), from_counts=True, **_UNBOUNDED,
    ),
    proportion("backoff_coverage", _coverage, ["answered"]),
    proportion(
        "backoff_accuracy", lambda answers: _ratio_of(answers.answered_right, answers.answered >= 0), ["answered"]
    ),
    share("backoff_information", lambda answers: mean_of(answers.information), ["information"]),
)  # fmt: skip
