"""Predictions seen in other ways: as what else metrics are computed from, and as other predictions."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from workbench.arrays import AnyArray
from workbench.metrics import Estimate, Evaluator, Metric, metric_named
from workbench.metrics.derived import Base, base_of
from workbench.metrics.measured import Build
from workbench.tasks.classification.decided import DECISIONS, SETS
from workbench.tasks.classification.item_view import View
from workbench.tasks.classification.other_predictions import other_predictions
from workbench.tasks.classification.ranked import FREQUENCY, HIERARCHY
from workbench.tasks.classification.regional import CHECKLISTS
from workbench.tasks.classification.unknown_items import UNKNOWN
from workbench.tasks.predictions import ItemScores

if TYPE_CHECKING:
    from workbench.tasks.classification.predictions import ClassPredictions

VIEWS: tuple[View, ...] = (DECISIONS, SETS, UNKNOWN, HIERARCHY, FREQUENCY, CHECKLISTS)
_VIEW_OF = {name: view for view in VIEWS for name in view.names}


def is_plain(metric: str) -> bool:
    """Whether a metric is one of the scores themselves, and not of what is made of them."""
    return base_of(metric) is None and metric.partition("/")[0] not in _VIEW_OF


def view_estimates(predictions: "ClassPredictions", metrics: Sequence[Metric]) -> dict[str, Estimate]:
    """Those metrics that are not plain, with their intervals; what these predictions do not define is left out."""
    found: dict[str, Estimate] = {}
    for view in VIEWS:
        chosen = [metric for metric in metrics if metric.name in view.names]
        seen = view.of(predictions) if chosen else None
        if seen is not None:
            found |= seen.estimates(chosen)
    return found | _derived_estimates(
        predictions, [base for metric in metrics if (base := base_of(metric.name))], metrics
    )


def _derived_estimates(
    predictions: "ClassPredictions", bases: Sequence[Base], metrics: Sequence[Metric]
) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    names = [metric.name for metric in metrics if base_of(metric.name)]
    for way in dict.fromkeys(base.way for base in bases):
        wanted = {base.metric: name for base, name in zip(bases, names, strict=True) if base.way == way}
        for part, other in other_predictions(predictions, way):
            # `subgroup_sensitivity_at/sex F/youden`: the subgroup stands before the part.
            own = other.estimates([metric_named(name) for name in wanted])
            for name, estimate in own.items():
                base, slash, rest = name.partition("/")
                if base in wanted:
                    found["/".join(filter(None, (wanted[base], part, rest if slash else "")))] = estimate
    return found


def view_of(predictions: "ClassPredictions", metric: str) -> object:
    """The object that a metric is computed from, of those that are of no other predictions."""
    view = _VIEW_OF.get(metric)
    if view is None:
        return predictions.class_scores()
    seen = view.of(predictions)
    return None if seen is None else seen.subject


def view_scores_of(predictions: "ClassPredictions", metric: str) -> ItemScores:
    """See `Predictions.scores_of`, of a metric that is not plain."""
    base = base_of(metric)
    if base is not None:
        other = dict(other_predictions(predictions, base.way)).get(base.part)
        if other is None:
            raise predictions.unknown(metric)
        return _renamed(other.scores_of(base.metric), metric)
    seen = _VIEW_OF[metric.partition("/")[0]].of(predictions)
    scores = None if seen is None else seen.scores_of(metric)
    if scores is None:
        raise predictions.unknown(metric)
    return scores


def _renamed(scores: ItemScores, metric: str) -> ItemScores:
    build = scores.build
    return scores if build is None else replace(scores, build=partial(_build_named, build, metric))


def _build_named(build: Build, metric: str, values: AnyArray) -> Evaluator:
    return build(values).named(metric)


def part_keys(predictions: "ClassPredictions", metric: str) -> list[str]:
    """Names of the parts of a view's metric, as they stand in its name behind the stroke."""
    seen = _VIEW_OF[metric].of(predictions)
    return [] if seen is None else seen.keys(metric)


def comparable_views(predictions: "ClassPredictions") -> list[str]:
    """Names of the metrics of views by which runs can be compared, each with its part."""
    if predictions.labels is None:
        return []
    seen = [(view, view.of(predictions)) for view in VIEWS]
    return [name for view, own in seen if own is not None for name in own.comparable(view.metrics)]
