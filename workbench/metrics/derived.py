"""Metrics of a run's predictions seen in another way: by subgroup, group or observation, by region, uncalibrated.

Each is a metric of predictions that are made of the run's own: those of some items, of groups in place of images, or
with other scores. `base_of` says which metric of which; the predictions themselves are the task's to make.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from workbench.metrics import classification, decisions, hierarchy, prediction_sets
from workbench.metrics.domains import SPREAD, WORST
from workbench.metrics.metric import SHARE, Metric, Quantity

SUBGROUP, WORST_SUBGROUP, GAP_SUBGROUP = "subgroup_", "worst_subgroup_", "gap_subgroup_"
GROUP, OBSERVATION, UNCALIBRATED = "group_", "observation_", "uncalibrated_"
REGIONAL = "regional_"
P_SUBGROUP = "p_subgroup_"

Way = Literal["subgroup", "over subgroups", "group", "observation", "uncalibrated", "regional"]


@dataclass(frozen=True)
class Base:
    """What a derived metric is of.

    Attributes:
        way: How the other predictions are made.
        metric: The metric of them, with the part it is for.
        part: The subgroup, or the column of subgroups; empty otherwise.
    """

    way: Way
    metric: str
    part: str = ""


def base_of(name: str) -> Base | None:
    """What a derived metric is of; None for all others.

    `subgroup_accuracy/sex F` is `accuracy` of the subgroup `sex F`; `subgroup_sensitivity_at/sex F/youden` that of a
    part. `worst_subgroup_accuracy/sex` and `gap_subgroup_accuracy/sex` are over the subgroups of a column.
    """
    base, _, part = name.partition("/")
    if base.startswith(WORST_SUBGROUP):
        return Base("over subgroups", f"{WORST}{base.removeprefix(WORST_SUBGROUP)}", part)
    if base.startswith(GAP_SUBGROUP):
        return Base("over subgroups", f"{SPREAD}{base.removeprefix(GAP_SUBGROUP)}", part)
    if base.startswith(SUBGROUP):
        subgroup, slash, rest = part.partition("/")
        return Base("subgroup", f"{base.removeprefix(SUBGROUP)}{slash}{rest}", subgroup)
    for beginning, way in _WAYS.items():
        if base.startswith(beginning):
            return Base(way, name.removeprefix(beginning))
    return None


_WAYS: dict[str, Way] = {
    GROUP: "group", OBSERVATION: "observation", UNCALIBRATED: "uncalibrated", REGIONAL: "regional",
}  # fmt: skip
_WHOLE = (*classification.METRICS, *prediction_sets.METRICS)
_OF_GROUPS = (*classification.METRICS, *decisions.METRICS, *hierarchy.METRICS)
_REGIONAL = ("accuracy", "top5_accuracy", "balanced_accuracy", "macro_f1", "rank_accuracy", "hierarchical_distance")
_UNCALIBRATED = ("nll", "brier", "ece", "accuracy")


def _named(beginning: str, metrics: Iterable[Metric]) -> list[Metric]:
    # No predictions have a field of this name: the metric is computed through its base alone.
    return [
        replace(metric, name=f"{beginning}{metric.name}", needs=("derived",), only_on_request=True)
        for metric in metrics
    ]  # fmt: skip


def _gaps(metrics: Iterable[Metric]) -> list[Metric]:
    return [
        replace(metric, bounds=(0.0, metric.difference_bounds[1]), higher_is_better=False, is_proportion=False)
        for metric in metrics
    ]  # fmt: skip


METRICS: tuple[Metric, ...] = (
    *_named(SUBGROUP, (*_WHOLE, *decisions.METRICS)),
    *_named(WORST_SUBGROUP, _WHOLE),
    *_named(GAP_SUBGROUP, _gaps(_WHOLE)),
    *_named(GROUP, _OF_GROUPS),
    *_named(OBSERVATION, _OF_GROUPS),
    *_named(REGIONAL, (metric for metric in _OF_GROUPS if metric.name in _REGIONAL)),
    *_named(UNCALIBRATED, (metric for metric in classification.METRICS if metric.name in _UNCALIBRATED)),
)

QUANTITIES: tuple[Quantity, ...] = tuple(
    Quantity(name=f"{P_SUBGROUP}{metric.name}", bounds=SHARE) for metric in (*_WHOLE, *decisions.METRICS)
)
