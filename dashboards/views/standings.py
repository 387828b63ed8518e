"""Leaderboards: recipe x model x shots on a dataset, seeds taken together."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from workbench.metrics.estimate import is_reliable
from workbench.metrics.registry import higher_is_better
from workbench.runs.comparisons import RunGroup, group_by_seed, primary_of, recorded_interval
from workbench.tracking import RunResult, schema

Intervals = Callable[[RunGroup, str], tuple[float, float]]
"""Ends of the interval of a group's metric; see `runs.comparisons.GroupIntervals`."""


def _as_recorded(group: RunGroup, metric: str) -> tuple[float, float]:
    """Intervals of single runs alone, for views that show none of several seeds."""
    return recorded_interval(group.first, metric) if len(group.runs) == 1 else (math.nan, math.nan)


@dataclass(frozen=True)
class Standing:
    """A run group with its place among others.

    Attributes:
        group: The runs.
        metric: Name of the metric of `value`.
        low: Lower end of the 95 % interval, NaN where there is none.
        high: Upper end.
        rank: 1 for the best; equal values share a rank.
    """

    group: RunGroup
    metric: str
    low: float
    high: float
    rank: int = 0

    @property
    def value(self) -> float:
        """Mean over seeds."""
        return self.group.mean(self.metric)

    @property
    def reliable(self) -> bool:
        """False where an interval rests on under 20 groups."""
        return all(is_reliable(run.metrics) for run in self.group.runs)

    @property
    def runs(self) -> tuple[RunResult, ...]:
        """One a seed."""
        return self.group.runs

    @property
    def first(self) -> RunResult:
        """The newest run, for the fields that all share."""
        return self.group.newest

    @property
    def shots(self) -> str:
        """Images a class, or `-` for a recipe that does not train."""
        return shots_of(self.first)

    @property
    def language(self) -> str:
        """The language where it is not English, else empty."""
        language = self.first.tags.get(schema.LANGUAGE, "en")
        return "" if language == "en" else language

    @property
    def name(self) -> str:
        """Recipe, model and shots, and the language where it is not English."""
        return " · ".join(filter(None, [self.first.label, self.first.model, self.shots, self.language]))

    def mean(self, metric: str) -> float:
        """Mean of another metric over the runs that have it; NaN where none has."""
        return self.group.mean(metric)


def standings(runs: Sequence[RunResult], metric: str, intervals: Intervals = _as_recorded) -> list[Standing]:
    """Rank the finished runs of one dataset, best first; runs on different states of it are never taken together.

    Args:
        runs: Runs of one dataset, newest first; those without the metric are left out, and so is all but the newest of
            several runs of a seed.
        metric: Name as in the run record.
        intervals: Gives the intervals of groups.
    """
    finished = [run for run in runs if run.status == "finished" and metric in run.metrics]
    ranked = [Standing(group, metric, *intervals(group, metric)) for group in group_by_seed(finished)]
    sign = -1 if higher_is_better(metric) else 1
    ranked.sort(key=lambda standing: (sign * standing.value, standing.name))
    values = [standing.value for standing in ranked]
    # The first of equals gives all their rank.
    return [replace(standing, rank=values.index(standing.value) + 1) for standing in ranked]


def metric_of(runs: Sequence[RunResult]) -> str:
    """The primary metric of the runs' dataset card, the newest run's where a card has changed."""
    return primary_of(runs[0])


def metrics_of(runs: Sequence[RunResult]) -> list[str]:
    """All metrics that some run has, the primary one first, without intervals and counts."""
    names = {name for run in runs for name in run.metrics}
    measured = sorted(name for name in names if f"{name}_ci_low" in names)
    first = metric_of(runs)
    return [first, *(name for name in measured if name != first)]


def shots_of(run: RunResult) -> str:
    """Shots as shown: `-` where no training images are used."""
    return "-" if run.shots in {"0", "none", ""} else run.shots


def shots_order(shots: str) -> tuple[int, int]:
    """Sorts shots: none, by number, all."""
    if shots == "-":
        return (0, 0)
    return (1, int(shots)) if shots.isdigit() else (2, 0)
