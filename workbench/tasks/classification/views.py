"""Predictions seen in another way: at operating points, as sets of classes, by subgroup, by group, before calibration.

The metrics of `metrics.decisions` and `metrics.prediction_sets` are of decisions and sets, which two runs make by their
own thresholds: runs are compared by these and not by their scores. Those of `metrics.derived` are metrics of other
predictions, made here.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics import Estimate, Evaluator, Metric, estimate_metrics, metric_named
from workbench.metrics import decisions as of_decisions
from workbench.metrics import prediction_sets as of_sets
from workbench.metrics.decisions import Decisions
from workbench.metrics.derived import Base, base_of
from workbench.metrics.domains import MEAN, numbered_domains
from workbench.metrics.functional import softmax
from workbench.metrics.keys import metric_keys
from workbench.metrics.measured import Build, repeat_labels
from workbench.metrics.operating_points import positive_log_odds
from workbench.metrics.prediction_sets import PredictionSets
from workbench.tasks.classification.joining import join_labels, join_scores
from workbench.tasks.groups import group_codes
from workbench.tasks.predictions import ItemScores

if TYPE_CHECKING:
    from workbench.tasks.classification.predictions import ClassPredictions

_DECISIONS = {metric.name for metric in of_decisions.METRICS}
_SETS = {metric.name for metric in (*of_sets.METRICS, *of_sets.DOMAIN_METRICS)}


def is_plain(metric: str) -> bool:
    """Whether a metric is one of the scores themselves, and not of what this module makes of them."""
    base = metric.partition("/")[0]
    return base_of(metric) is None and base not in _DECISIONS and base not in _SETS


def view_estimates(predictions: "ClassPredictions", metrics: Sequence[Metric]) -> dict[str, Estimate]:
    """Those metrics that are not plain, with their intervals; what these predictions do not define is left out."""
    found: dict[str, Estimate] = {}
    for names, view in ((_DECISIONS, decisions_of(predictions)), (_SETS, sets_of(predictions))):
        chosen = [metric for metric in metrics if metric.name in names]
        if view is None or not chosen:
            continue
        estimates = estimate_metrics(chosen, view, len(predictions.ids), predictions.group_codes)
        found |= {_with_key(predictions, name): estimate for name, estimate in estimates.items()}
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
        for part, other in _others(predictions, way):
            # `subgroup_sensitivity_at/sex F/youden`: the subgroup stands before the part.
            own = other.estimates([metric_named(name) for name in wanted])
            for name, estimate in own.items():
                base, slash, rest = name.partition("/")
                if base in wanted:
                    found["/".join(filter(None, (wanted[base], part, rest if slash else "")))] = estimate
    return found


def _others(predictions: "ClassPredictions", way: str) -> "list[tuple[str, ClassPredictions]]":
    """The other predictions of a way, each with the part of the metric's name that says which."""
    if way == "group":
        joined = joined_predictions(predictions)
        return [] if joined is None else [("", joined)]
    if way == "uncalibrated":
        choices = predictions.choices
        if choices is None or choices.calibration is None:
            return []
        return [("", replace(predictions, scores=choices.calibration.undone(predictions.scores), choices=None))]
    columns = predictions.subgroups or {}
    if way == "over subgroups":
        keys = metric_keys(list(columns))
        return [
            (key, replace(predictions, domains=values, source_domains=()))
            for key, values in zip(keys, columns.values(), strict=True)
            if len({value for value in values if value is not None}) > 1
        ]
    return [(key, subset(predictions, items)) for key, items in subgroup_items(predictions).items()]


def subgroup_items(predictions: "ClassPredictions") -> dict[str, AnyArray]:
    """Positions of the items of each subgroup, by its key in metrics' names (`sex F`)."""
    found = {}
    for column, values in (predictions.subgroups or {}).items():
        known = np.array([value or "" for value in values], dtype=object)
        for value in sorted({value for value in values if value is not None}):
            found[f"{column} {value}"] = np.flatnonzero(known == value)
    return dict(zip(metric_keys(list(found)), found.values(), strict=True))


def subset(predictions: "ClassPredictions", items: AnyArray) -> "ClassPredictions":
    """The predictions of some items."""
    labels, domains = predictions.labels, predictions.domains
    return replace(
        predictions,
        ids=[predictions.ids[i] for i in items],
        groups=[predictions.groups[i] for i in items],
        labels=None if labels is None else labels[items],
        scores=predictions.scores[items],
        domains=None if domains is None else [domains[i] for i in items],
        other_orders=tuple(scores[items] for scores in predictions.other_orders),
        subgroups={},
        validation=None,
    )


def joined_predictions(predictions: "ClassPredictions") -> "ClassPredictions | None":
    """Predictions of groups in place of images; None where images are not joined."""
    choices, codes = predictions.choices, group_codes(predictions.groups)
    if choices is None or choices.join is None or codes is None or predictions.labels is None:
        return None
    first = np.unique(codes, return_index=True)[1]
    names = [predictions.groups[i] or predictions.ids[i] for i in first]
    return replace(
        predictions,
        ids=names,
        groups=[None] * len(names),
        labels=join_labels(predictions.labels, codes, choices.positives),
        scores=join_scores(predictions.scores, codes, choices.join, choices.positives),
        domains=None,
        source_domains=(),
        other_orders=(),
        subgroups={},
        choices=choices.of_groups(),
        validation=None,
    )


def margins_of(predictions: "ClassPredictions") -> tuple[AnyArray, AnyArray] | None:
    """Log-odds of the positive classes and whether each item is of one, (n,) each; None where no class is positive."""
    choices = predictions.choices
    if choices is None or not choices.positives or predictions.labels is None or predictions.multi_label:
        return None
    margins = positive_log_odds(predictions.scores, choices.positives)
    return margins, np.isin(predictions.labels, choices.positives)


def decisions_of(predictions: "ClassPredictions") -> Decisions | None:
    """Positive against negative at the run's operating points; None where no class is positive."""
    both, choices = margins_of(predictions), predictions.choices
    if both is None or choices is None:
        return None
    margins, positive = both
    decided = margins[:, None] >= np.array(choices.thresholds)[None, :]
    return Decisions(positive, decided, margins, prevalence=choices.prevalence)


def sets_of(predictions: "ClassPredictions") -> PredictionSets | None:
    """The set of classes of each item; None where the run has none."""
    choices, labels = predictions.choices, predictions.labels
    if choices is None or choices.least_probability is None or labels is None or labels.ndim != 1:
        return None
    inside = softmax(predictions.scores) >= choices.least_probability
    return PredictionSets(inside, labels, domains=numbered_domains(predictions.domains)[1])


def view_of(predictions: "ClassPredictions", metric: str) -> object:
    """The object that a metric is computed from, of those that are of no other predictions."""
    if metric in _DECISIONS:
        return decisions_of(predictions)
    return sets_of(predictions) if metric in _SETS else predictions.class_scores()


def view_scores_of(predictions: "ClassPredictions", metric: str) -> ItemScores:
    """See `Predictions.scores_of`, of a metric that is not plain."""
    base = base_of(metric)
    if base is not None:
        other = dict(_others(predictions, base.way)).get(base.part)
        if other is None:
            raise predictions.unknown(metric)
        return _renamed(other.scores_of(base.metric), metric)
    name, _, part = metric.partition("/")
    if name in _SETS:
        return _scores_of_sets(predictions, metric)
    view, keys = decisions_of(predictions), part_keys(predictions, name)
    if (
        view is None
        or (part and part not in keys)
        or (not part and name not in {"positive_auroc", "positive_average_precision"})
    ):
        raise predictions.unknown(metric)
    values = np.column_stack([view.margins, view.decided])
    build = partial(_decisions_evaluator, view, metric, keys.index(part) if part else None)
    return ItemScores(predictions.ids, predictions.groups, values, predictions.labels, build)


def _renamed(scores: ItemScores, metric: str) -> ItemScores:
    build = scores.build
    return scores if build is None else replace(scores, build=partial(_build_named, build, metric))


def _build_named(build: Build, metric: str, values: AnyArray) -> Evaluator:
    return build(values).named(metric)


def _decisions_evaluator(view: Decisions, metric: str, part: int | None, values: AnyArray) -> Evaluator:
    positive = repeat_labels(view.positive, len(values))
    other = Decisions(positive, values[:, 1:] > 0.5, values[:, 0], prevalence=view.prevalence)
    evaluator = Evaluator([metric_named(metric)], other)
    return evaluator if part is None else evaluator.only(part, metric)


def _scores_of_sets(predictions: "ClassPredictions", metric: str) -> ItemScores:
    sets = sets_of(predictions)
    if sets is None or metric not in {"set_coverage", "set_size"}:
        raise predictions.unknown(metric)
    values = sets.covered if metric == "set_coverage" else sets.sizes
    return ItemScores(predictions.ids, predictions.groups, values)


def part_keys(predictions: "ClassPredictions", metric: str) -> list[str]:
    """Names of a metric's parts, as they stand in its name behind the stroke."""
    if metric in _SETS:
        names = numbered_domains(predictions.domains)[0] if metric.startswith(MEAN) else predictions.class_names
        return metric_keys(names)
    choices, known = predictions.choices, metric_named(metric).part_names
    return list(known) or metric_keys(choices.points if choices is not None else ())


def _with_key(predictions: "ClassPredictions", name: str) -> str:
    base, _, index = name.partition("/")
    return f"{base}/{part_keys(predictions, base)[int(index)]}" if index else name


def comparable_views(predictions: "ClassPredictions") -> list[str]:
    """Names of the metrics of this module by which runs can be compared, each with its part."""
    if predictions.choices is None or predictions.labels is None:
        return []
    estimates = view_estimates(predictions, [*of_decisions.METRICS, *of_sets.METRICS])
    return [name for name in estimates if not name.startswith("set_coverage/")]
