"""Intervals of run groups, the same for terminal, report and dashboard: seeds and items resampled together."""

import math
import threading
from collections.abc import Callable
from functools import partial

from workbench.errors import WorkbenchError
from workbench.runs.comparisons.groups import RunGroup
from workbench.runs.comparisons.measuring import measure_groups, read_run
from workbench.tasks import Predictions
from workbench.tracking import RunResult, Store

Interval = tuple[float, float]
NO_INTERVAL: Interval = (math.nan, math.nan)


def recorded_interval(run: RunResult, metric: str) -> Interval:
    """The 95 % interval of one run, as it was recorded; NaN where there is none."""
    low, high = (run.metrics.get(f"{metric}_ci_{end}", math.nan) for end in ("low", "high"))
    return low, high


class GroupIntervals:
    """95 % intervals of run groups.

    A single run's is the recorded one. That of several seeds comes from their predictions, with seeds and test
    items resampled together, as `workbench compare` and `workbench report` have it; it is computed once.

    Args:
        read: Gives a run's predictions, see `intervals_of`.
    """

    def __init__(self, read: Callable[[RunResult], Predictions]) -> None:
        self._read = read
        self._known: dict[tuple[object, ...], Interval] = {}
        self._lock = threading.Lock()

    def __call__(self, group: RunGroup, metric: str) -> Interval:
        """The interval's ends; NaN where predictions are missing, or the metric is none of them."""
        if len(group.runs) == 1:
            return recorded_interval(group.first, metric)
        key = (metric, *(run.run_id for run in group.runs))
        with self._lock:
            if key not in self._known:
                self._known[key] = self._measured(group, metric)
            return self._known[key]

    def _measured(self, group: RunGroup, metric: str) -> Interval:
        try:
            (measured,) = measure_groups([[self._read(run) for run in group.runs]], [group.label], metric)
        except WorkbenchError:
            return NO_INTERVAL
        estimate = measured.estimate()
        return estimate.low, estimate.high


def intervals_of(store: Store) -> GroupIntervals:
    """Intervals of run groups whose predictions a store has."""
    return GroupIntervals(partial(read_run, store))
