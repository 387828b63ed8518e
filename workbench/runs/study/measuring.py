"""Contestants on one dataset, measured on the same test items: every task comes down to `Measured`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import DataError
from workbench.metrics import Measured, align_items, measure, measure_items
from workbench.runs.predictions import JointPredictions, Predictions, ScoredChoices, group_codes, match_classes
from workbench.runs.study.contestants import Contestant
from workbench.tracking import RunResult

Read = Callable[[RunResult], Predictions | JointPredictions]
"""Gives a run's predictions."""


@dataclass(frozen=True)
class _Asked:
    """What a run says about the items that a metric is of.

    Attributes:
        ids: Items.
        groups: Group names, or None where an item has none.
        values: Scores (n, c) of which the metric is a function, or values (n,) of which it is the mean.
        labels: What the scores are held against, (n,) or bool (n, c); None where values are averaged.
        unseen: Columns of the classes that have no training image.
    """

    ids: Sequence[str]
    groups: Sequence[str | None]
    values: AnyArray
    labels: AnyArray | None = None
    unseen: tuple[int, ...] = ()


def measure_contestants(read: Read, own: Sequence[Contestant], metric: str) -> list[Measured]:
    """The metric of each contestant, all resampled alike.

    Args:
        read: Gives a run's predictions.
        own: Contestants on one dataset.
        metric: Name as in the run record.

    Raises:
        UnknownMetricError: The dataset does not have the metric, or runs cannot be compared by it.
        NotComparableError: The test items are not the same.
        DataError: A run has other classes, or no labels.
    """
    reference: _Asked | None = None
    first: Predictions | None = None
    measured = []
    for one in own:
        values = []
        for run in one.runs:
            predictions = read(run)
            if isinstance(predictions, Predictions):
                first = first or predictions
                predictions = _matched(predictions, first, run)
            asked = _asked(predictions, run, metric)
            reference = reference or asked
            values.append(asked.values[_order(reference, asked)])
        assert reference is not None
        measured.append(_measured(np.stack(values), reference, metric))
    return measured


def _matched(predictions: Predictions, first: Predictions, run: RunResult) -> Predictions:
    try:
        return match_classes(predictions, first)
    except DataError as error:
        raise DataError(f"run {run.run_id} and another of this dataset have {error}") from error


def _asked(predictions: Predictions | JointPredictions, run: RunResult, metric: str) -> _Asked:
    if isinstance(predictions, Predictions):
        if predictions.labels is None:
            raise DataError(f"run {run.run_id} has no labels, so nothing can be compared.")
        return _Asked(predictions.ids, predictions.groups, predictions.scores, predictions.labels, predictions.unseen)
    if isinstance(predictions, ScoredChoices) and (said := predictions.statements(metric)) is not None:
        scores, truth = said
        return _Asked(predictions.ids, predictions.groups, scores[:, None], truth[:, None])
    items = predictions.item_values(metric)
    return _Asked(items.ids, items.groups, np.asarray(items.values, np.float64))


def _measured(values: AnyArray, reference: _Asked, metric: str) -> Measured:
    """The metric of values (s, n) or scores (s, n, c), items in the order of `reference`."""
    groups = group_codes(reference.groups)
    if reference.labels is None:
        return measure_items(values, groups, metric=metric)
    return measure(
        values,
        reference.labels,
        groups,
        metric=metric,
        multi_label=reference.labels.ndim == 2,
        unseen=reference.unseen,
    )


def _order(reference: _Asked, asked: _Asked) -> AnyArray | slice:
    same_labels = np.array_equal(np.asarray(reference.labels), np.asarray(asked.labels))
    if list(reference.ids) == list(asked.ids) and same_labels:
        return slice(None)
    ids, others = (np.asarray(each.ids, np.str_) for each in (reference, asked))
    return align_items(ids, others, reference.labels, asked.labels)
