"""Leaderboards: recipe x model x shots on a dataset, seeds taken together."""

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.metrics.estimate import is_reliable
from workbench.metrics.names import primary_metric
from workbench.metrics.registry import higher_is_better
from workbench.tracking import RunResult, schema
from workbench.tracking.states import State, state

_Z = 1.959963984540054


@dataclass(frozen=True)
class Standing:
    """Runs that differ in nothing but the seed.

    Attributes:
        runs: The runs, newest first.
        metric: What `value` is.
        value: Mean over seeds.
        low: Lower end of the 95 % interval, NaN where there is none.
        high: Upper end.
        reliable: False where an interval rests on under 20 groups.
        rank: 1 for the best; equal values share a rank.
    """

    runs: tuple[RunResult, ...]
    metric: str
    value: float
    low: float
    high: float
    reliable: bool
    rank: int = 0

    @property
    def first(self) -> RunResult:
        """The newest run, for what all have in common."""
        return self.runs[0]

    @property
    def shots(self) -> str:
        """Images a class, or `-` for a recipe that does not train."""
        return shots_of(self.first)

    @property
    def name(self) -> str:
        """Recipe, model and shots, and the language where it is not English."""
        language = self.first.tags.get(schema.LANGUAGE, "en")
        words = [self.first.label, self.first.model, self.shots, *([] if language == "en" else [language])]
        return " · ".join(words)

    def mean(self, metric: str) -> float:
        """Mean of another metric over the runs that have it; NaN where none has."""
        values = [run.metrics[metric] for run in self.runs if metric in run.metrics]
        return statistics.fmean(values) if values else math.nan


def standings(runs: Sequence[RunResult], metric: str) -> list[Standing]:
    """Rank the finished runs of one dataset, best first; runs on different states of it are never taken together.

    The interval of one run is its bootstrap interval. That of several seeds is a normal approximation from the variance
    over test items, which all seeds share, plus the variance of the mean over seeds; `workbench compare` resamples both
    together.

    Args:
        runs: Runs of one dataset, newest first; those without the metric are left out, and so is all but the newest of
            several runs of a seed.
        metric: Name as in the run record.
    """
    bundles: dict[tuple[tuple[str, ...], State], dict[int, RunResult]] = defaultdict(dict)
    for run in runs:
        if run.status == "finished" and metric in run.metrics:
            settings = repr(sorted(run.params.items()))
            language = run.tags.get(schema.LANGUAGE, "")
            own = (run.suite, run.model, run.recipe, run.label, shots_of(run), language, settings)
            bundles[own, state(run.tags)].setdefault(run.seed, run)
    found = [_standing(tuple(bundle.values()), metric) for bundle in bundles.values()]
    sign = -1 if higher_is_better(metric) else 1
    found.sort(key=lambda each: (sign * each.value, each.name))
    values = [each.value for each in found]
    return [
        Standing(**{**vars(each), "rank": values.index(each.value) + 1})  # The first of equals gives all their rank.
        for each in found
    ]


def metric_of(runs: Sequence[RunResult]) -> str:
    """The primary metric of the runs' dataset card, the newest run's where a card has changed."""
    return runs[0].tags.get(schema.PRIMARY_METRIC) or primary_metric(runs[0].task)


def metrics_of(runs: Sequence[RunResult]) -> list[str]:
    """All metrics that some run has, the primary one first, without intervals and counts."""
    names = {name for run in runs for name in run.metrics}
    own = sorted(name for name in names if f"{name}_ci_low" in names)
    first = metric_of(runs)
    return [first, *(name for name in own if name != first)]


def shots_of(run: RunResult) -> str:
    """Shots as shown: `-` where no training images are used."""
    return "-" if run.shots in {"0", "none", ""} else run.shots


def shots_order(shots: str) -> tuple[int, int]:
    """Sorts shots: none, by number, all."""
    if shots == "-":
        return (0, 0)
    return (1, int(shots)) if shots.isdigit() else (2, 0)


def _standing(runs: tuple[RunResult, ...], metric: str) -> Standing:
    values = [run.metrics[metric] for run in runs]
    lows = [run.metrics.get(f"{metric}_ci_low", math.nan) for run in runs]
    highs = [run.metrics.get(f"{metric}_ci_high", math.nan) for run in runs]
    value, low, high = values[0], lows[0], highs[0]
    if len(runs) > 1:
        value = statistics.fmean(values)
        over_items = statistics.fmean(((b - a) / (2 * _Z)) ** 2 for a, b in zip(lows, highs, strict=True))
        half = _Z * math.sqrt(over_items + statistics.variance(values) / len(values))
        low, high = value - half, value + half
    reliable = all(is_reliable(run.metrics) for run in runs)
    return Standing(runs, metric, value, low, high, reliable)
