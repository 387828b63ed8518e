"""A metric against shots: one line a recipe, recipes without training as level lines."""

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.views.standings import Standing, shots_order, standings
from workbench.tracking import RunResult


@dataclass(frozen=True)
class ShotPoint:
    """A recipe at some shots.

    Attributes:
        recipe: Label.
        shots: As shown on the axis.
        mean: Over seeds.
        spread: Standard deviation over seeds; NaN for a single one.
        values: The seeds' values.
    """

    recipe: str
    shots: str
    mean: float
    spread: float
    values: tuple[float, ...]


def shot_curves(runs: Sequence[RunResult], metric: str) -> tuple[list[ShotPoint], list[Standing]]:
    """Points of recipes that train, and standings of those that do not (zero-shot, majority class).

    Args:
        runs: Runs of one dataset and model, and of no model.
        metric: Name as in the run record.
    """
    curves: dict[tuple[str, str], list[float]] = defaultdict(list)
    level = []
    for standing in standings(runs, metric):
        if standing.shots == "-":
            level.append(standing)
        else:
            values = [run.metrics[metric] for run in standing.runs]
            curves[standing.first.label, standing.shots] += values
    points = [
        ShotPoint(
            recipe,
            shots,
            statistics.fmean(values),
            statistics.stdev(values) if len(values) > 1 else math.nan,
            tuple(values),
        )
        for (recipe, shots), values in curves.items()
    ]
    return sorted(points, key=lambda point: (point.recipe, shots_order(point.shots))), level
