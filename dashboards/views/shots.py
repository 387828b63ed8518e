"""A metric against shots: one line a recipe, recipes without training as level lines."""

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
        run_id: The newest of its runs.
    """

    recipe: str
    shots: str
    mean: float
    spread: float
    values: tuple[float, ...]
    run_id: str


def shot_curves(runs: Sequence[RunResult], metric: str) -> tuple[list[ShotPoint], list[Standing]]:
    """Points of recipes that train, and standings of those that do not (zero-shot, majority class).

    Args:
        runs: Runs of one dataset and model, and of no model.
        metric: Name as in the run record.
    """
    points, level = [], []
    for standing in standings(runs, metric):
        if standing.shots == "-" or standing.group.is_baseline:
            level.append(standing)
        else:
            group = standing.group
            values = tuple(group.values(metric))
            points.append(
                ShotPoint(
                    standing.first.label,
                    standing.shots,
                    group.mean(metric),
                    group.spread(metric),
                    values,
                    standing.first.run_id,
                )
            )
    return sorted(points, key=lambda point: (point.recipe, shots_order(point.shots))), level
