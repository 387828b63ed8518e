"""Metrics of positive against negative: at operating points that were chosen elsewhere, and of the whole ranking.

Thresholds stay as they are when items are resampled: intervals are about new items at the same threshold.
`sensitivity_at_specificity` is another thing: a point of the ROC curve of these items, which nobody knew beforehand.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from workbench.arrays import AnyArray, BoolArray, FloatArray, IntArray
from workbench.metrics import functional as F
from workbench.metrics.domains import items_by_domain
from workbench.metrics.metric import Metric, Weighted, proportion, share


class Decisions:
    """Decisions about items, at several operating points.

    Args:
        positive: bool (n,), the truth.
        decided: bool (n, p), whether an item is taken for positive at each of p points.
        margins: (n,), by which items are ranked: higher where positive is likelier.
        prevalence: Share of positives where the answers are used, 0..1, for predictive values there; None leaves these
            out.
        domains: See `ClassScores`.

    Attributes:
        domain_items: See `ClassScores`.
        is_source: None, see `ClassScores`.
    """

    domain_items: tuple[IntArray, ...] | None
    is_source: BoolArray | None = None

    def __init__(
        self,
        positive: AnyArray,
        decided: AnyArray,
        margins: AnyArray,
        *,
        prevalence: float | None = None,
        domains: AnyArray | None = None,
    ) -> None:
        self.positive = np.asarray(positive, np.bool_)
        self.decided = np.asarray(decided, np.bool_)
        self.margins = np.asarray(margins, np.float64)
        self.prevalence = prevalence
        self.domain_items = items_by_domain(domains)

    def only(self, items: IntArray) -> "Decisions":
        """Those about some items."""
        return Decisions(self.positive[items], self.decided[items], self.margins[items], prevalence=self.prevalence)

    @cached_property
    def ranked(self) -> "F.Ranking | None":
        """Of positives against the others; None where one kind is missing."""
        if self.positive.all() or not self.positive.any():
            return None
        return F.Ranking(self.margins[:, None], self.positive[:, None])

    def shares(self, counted: BoolArray, among: BoolArray) -> "tuple[Callable[[FloatArray], F.Values], list[float]]":
        """The share of `counted` items among others at each point, as a function (b, p) of weights; sizes of `among`.

        Args:
            counted: bool (n, p).
            among: bool (n, p).
        """
        top, bottom = (counted & among).astype(np.float64), np.broadcast_to(among, counted.shape).astype(np.float64)

        def evaluate(weights: FloatArray) -> F.Values:
            exact = weights.astype(np.float64)
            return F.ratio(exact @ top, exact @ bottom)

        return evaluate, np.maximum(bottom.sum(axis=0), 1).tolist()


def _share(counted: BoolArray, among: BoolArray, decisions: Decisions) -> Weighted:
    parts, sizes = decisions.shares(counted, among)
    return Weighted(parts=parts, part_boundaries=sizes)


def _sensitivity(decisions: Decisions) -> Weighted:
    return _share(decisions.decided, decisions.positive[:, None], decisions)


def _specificity(decisions: Decisions) -> Weighted:
    return _share(~decisions.decided, ~decisions.positive[:, None], decisions)


def _ppv(decisions: Decisions) -> Weighted:
    return _share(np.broadcast_to(decisions.positive[:, None], decisions.decided.shape), decisions.decided, decisions)


def _npv(decisions: Decisions) -> Weighted:
    return _share(np.broadcast_to(~decisions.positive[:, None], decisions.decided.shape), ~decisions.decided, decisions)


def _both(decisions: Decisions) -> Callable[[FloatArray], tuple[F.Values, F.Values]]:
    sensitivity, _ = decisions.shares(decisions.decided, decisions.positive[:, None])
    specificity, _ = decisions.shares(~decisions.decided, ~decisions.positive[:, None])
    return lambda weights: (sensitivity(weights), specificity(weights))


def _ppv_at_prevalence(decisions: Decisions) -> Weighted:
    rates, prevalence = _both(decisions), float(decisions.prevalence or 0)

    def evaluate(weights: FloatArray) -> F.Values:
        sensitivity, specificity = rates(weights)
        right, wrong = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
        return F.ratio(right, right + wrong)

    return Weighted(parts=evaluate)


def _npv_at_prevalence(decisions: Decisions) -> Weighted:
    rates, prevalence = _both(decisions), float(decisions.prevalence or 0)

    def evaluate(weights: FloatArray) -> F.Values:
        sensitivity, specificity = rates(weights)
        right, wrong = (1 - prevalence) * specificity, prevalence * (1 - sensitivity)
        return F.ratio(right, right + wrong)

    return Weighted(parts=evaluate)


def _auroc(decisions: Decisions) -> Weighted | None:
    return _ranked(decisions, 0)


def _average_precision(decisions: Decisions) -> Weighted | None:
    return _ranked(decisions, 1)


def _ranked(decisions: Decisions, which: int) -> Weighted | None:
    ranking = decisions.ranked
    if ranking is None:
        return None
    boundary = float(min(decisions.positive.sum(), (~decisions.positive).sum()))
    return Weighted(
        lambda weights: ranking(weights)[which], boundary=boundary, influence=lambda _part: ranking.influence(which)
    )


def _sensitivity_at_specificity(decisions: Decisions) -> Weighted | None:
    positives = int(decisions.positive.sum())
    if positives in {0, len(decisions.positive)}:
        return None
    order = np.argsort(-decisions.margins, kind="stable")
    ordered, positive = decisions.margins[order], decisions.positive[order]
    # Items of equal margin are taken together: only the last of them ends a step of the curve.
    ends = np.append(ordered[1:] != ordered[:-1], True)

    def evaluate(weights: FloatArray) -> F.Values:
        exact = weights[:, order].astype(np.float64)
        found, alarms = np.cumsum(exact * positive, axis=1), np.cumsum(exact * ~positive, axis=1)
        columns = []
        for specificity in SPECIFICITIES:
            allowed = ends & (alarms <= (1 - specificity) * alarms[:, -1:] + 1e-9)
            columns.append(F.ratio(np.where(allowed, found, 0.0).max(axis=1), found[:, -1]))
        return np.stack(columns, axis=1)

    return Weighted(parts=evaluate, part_boundaries=[float(positives)] * len(SPECIFICITIES))


SPECIFICITIES = (0.9, 0.95)
"""Those of `sensitivity_at_specificity`."""
_NEEDS = ["positive", "decided"]
_RANKED = {"biased_under_resampling": True}
_AT_PREVALENCE = [*_NEEDS, "prevalence"]

METRICS: tuple[Metric, ...] = (
    proportion("sensitivity_at", _sensitivity, _NEEDS),
    proportion("specificity_at", _specificity, _NEEDS),
    proportion("ppv_at", _ppv, _NEEDS),
    proportion("npv_at", _npv, _NEEDS),
    share("ppv_at_prevalence", _ppv_at_prevalence, _AT_PREVALENCE, from_counts=True),
    share("npv_at_prevalence", _npv_at_prevalence, _AT_PREVALENCE, from_counts=True),
    share("positive_auroc", _auroc, ["margins", "decided"], **_RANKED),
    share("positive_average_precision", _average_precision, ["margins", "decided"], **_RANKED),
    proportion(
        "sensitivity_at_specificity",
        _sensitivity_at_specificity,
        ["margins", "decided"],
        part_names=tuple(f"{specificity:g}" for specificity in SPECIFICITIES),
    ),
)
