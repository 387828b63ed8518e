"""Predictions made of a run's own: of some items, of groups or observations, by region, before calibration."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics.keys import metric_keys
from workbench.tasks.classification.joining import join_labels, join_scores
from workbench.tasks.classification.regional import masked_predictions
from workbench.tasks.groups import group_codes

if TYPE_CHECKING:
    from workbench.tasks.classification.predictions import ClassPredictions


def other_predictions(predictions: "ClassPredictions", way: str) -> "list[tuple[str, ClassPredictions]]":
    """The other predictions of a way (`metrics.derived`), each with the part of the metric's name that says which."""
    if way == "regional":
        masked = masked_predictions(predictions)
        return [] if masked is None else [("", masked)]
    if way in {"group", "observation"}:
        if (way == "observation") != (predictions.observations is not None):
            return []
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
        observations=None if predictions.observations is None else [predictions.observations[i] for i in items],
        regions=None if predictions.regions is None else [predictions.regions[i] for i in items],
        unknown_items=None,
        validation=None,
    )


def joined_predictions(predictions: "ClassPredictions") -> "ClassPredictions | None":
    """Predictions of observations, or else groups, in place of images; None where images are not joined.

    Observations are joined by their mean where nothing else was chosen.
    """
    choices, observations = predictions.choices, predictions.observations
    units = predictions.groups if observations is None else observations
    codes, join = group_codes(units), choices.join if choices is not None else None
    if observations is not None:
        join = join or "mean"
    if join is None or codes is None or predictions.labels is None:
        return None
    positives = () if choices is None else choices.positives
    first = np.unique(codes, return_index=True)[1]
    names = [units[i] or predictions.ids[i] for i in first]
    # Observations lie in groups, such as sites, which stay together when they are resampled.
    groups = [None if observations is None else predictions.groups[i] for i in first]
    return replace(
        predictions,
        ids=names,
        groups=groups if len(set(groups)) < len(groups) else [None] * len(groups),
        labels=join_labels(predictions.labels, codes, positives),
        scores=join_scores(predictions.scores, codes, join, positives),
        domains=None,
        source_domains=(),
        other_orders=(),
        subgroups={},
        choices=None if choices is None else choices.of_groups(),
        observations=None,
        regions=None,
        unknown_items=None,
        validation=None,
    )
