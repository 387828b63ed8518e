"""Measure run groups on the same test items."""

from collections.abc import Sequence

import numpy as np

from workbench.errors import DataError, WorkbenchError
from workbench.metrics import Measured
from workbench.tasks import ItemScores, Predictions, installed
from workbench.tracking import RunResult, Store, schema
from workbench.tracking.reading import artifact_path


def read_run(store: Store, run: RunResult) -> Predictions:
    """A run's predictions.

    Raises:
        WorkbenchError: The run is of a task without test items, or of one that is not installed; or they are missing.
    """
    task = installed(run.task)
    if task is None or task.Result is None:
        raise WorkbenchError(f"run {run.run_id} is of {run.task}: it has no predictions of test items.")
    return task.Result.read(artifact_path(store, run, schema.PREDICTIONS))


def measure_groups(groups: Sequence[Sequence[Predictions]], names: Sequence[str], metric: str) -> list[Measured]:
    """The metric of each run group, all resampled alike.

    Args:
        groups: Predictions of each group's seeds, all of one task, in the terms of the first.
        names: Each group's name in errors.
        metric: Name as in the run record.

    Raises:
        UnknownMetricError: The items do not have the metric, or runs cannot be compared by it.
        NotComparableError: The test items are not the same.
        DataError: A run has other classes, or no labels.
    """
    first = groups[0][0]
    reference: ItemScores | None = None
    measured = []
    for name, group in zip(names, groups, strict=True):
        values = []
        for predictions in group:
            if type(predictions) is not type(first):
                raise DataError(f"{names[0]} and {name} are of different tasks.")
            try:
                scores = predictions.matched(first).scores_of(metric)
                reference = reference or scores
                values.append(scores.in_order_of(reference))
            except DataError as error:
                raise DataError(f"{names[0]} and {name} have {error}") from error
        measured.append((reference or first.scores_of(metric)).measured(np.stack(values), metric))
    return measured
