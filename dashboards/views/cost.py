"""The Pareto front of metric against cost."""

import math
from collections.abc import Sequence

from dashboards.views.standings import Standing
from workbench.metrics.registry import higher_is_better

COSTS = {
    "train_seconds": "training time in seconds",
    "trainable_parameters": "trainable parameters",
    "extract_seconds": "time in seconds that extracting features took for this run",
    "predict_seconds": "prediction time in seconds",
}


FITTED_TOGETHER = (
    "Runs on features are fitted for all shots and seeds of a dataset together; each is given an equal part of that "
    "time, which is no measurement of its own."
)
"""What times to train are where recipes fit many runs at once."""


def pareto_front(standings: Sequence[Standing], cost: str) -> list[bool]:
    """Whether each standing is on the front: none is as good in both respects and better in one.

    Args:
        standings: Those of one dataset and metric.
        cost: A key of `COSTS`; those without it are never on the front.
    """
    costs = [standing.mean(cost) for standing in standings]
    values = [standing.value if higher_is_better(standing.metric) else -standing.value for standing in standings]

    def beaten(i: int) -> bool:
        return any(
            costs[j] <= costs[i] and values[j] >= values[i] and (costs[j] < costs[i] or values[j] > values[i])
            for j in range(len(standings))
        )

    return [not math.isnan(costs[i]) and not beaten(i) for i in range(len(standings))]
