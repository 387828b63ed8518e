"""Run groups measured on the same test items: every task comes down to `Measured`."""

from collections.abc import Sequence

import numpy as np

from workbench.errors import DataError
from workbench.metrics import Measured
from workbench.tasks import ItemScores, Predictions


def measure_alike(groups: Sequence[Sequence[Predictions]], names: Sequence[str], metric: str) -> list[Measured]:
    """The metric of each run group, all resampled alike.

    Args:
        groups: Predictions of each group's seeds, all of one task, in the terms of the first.
        names: What each group is called in errors.
        metric: Name as in the run record.

    Raises:
        UnknownMetricError: The items do not have the metric, or runs cannot be compared by it.
        NotComparableError: The test items are not the same.
        DataError: A run has other classes, or no labels.
    """
    first = groups[0][0]
    reference: ItemScores | None = None
    found = []
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
        found.append((reference or first.scores_of(metric)).measured(np.stack(values), metric))
    return found
