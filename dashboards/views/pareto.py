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


def pareto_front(found: Sequence[Standing], cost: str) -> list[bool]:
    """Whether each standing is on the front: none is as good in both respects and better in one.

    Args:
        found: Standings of one dataset and metric.
        cost: A key of `COSTS`; those without it are never on the front.
    """
    costs = [each.mean(cost) for each in found]
    values = [each.value if higher_is_better(each.metric) else -each.value for each in found]

    def beaten(i: int) -> bool:
        return any(
            costs[j] <= costs[i] and values[j] >= values[i] and (costs[j] < costs[i] or values[j] > values[i])
            for j in range(len(found))
        )

    return [not math.isnan(costs[i]) and not beaten(i) for i in range(len(found))]
