"""Dataset x recipe: one value a cell, chosen without looking at the values."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.views.standings import Standing, metric_of, shots_order, standings
from workbench.tracking import RunResult


@dataclass(frozen=True)
class HeatCell:
    """A recipe on a dataset.

    Attributes:
        dataset: Name.
        recipe: Label.
        standing: The value shown.
    """

    dataset: str
    recipe: str
    standing: Standing


def heat_map(runs: Sequence[RunResult]) -> list[HeatCell]:
    """Cells by dataset's primary metric, at the most shots that a recipe has there.

    The most shots, not the best value: a maximum over test values would flatter recipes that were run more often. Of
    several settings of a recipe the one with the newest run is shown.

    Args:
        runs: Runs of one model, and of none, on any datasets; the unfinished are left out.
    """
    by_dataset: dict[str, list[RunResult]] = defaultdict(list)
    for run in runs:
        if run.status == "finished":
            by_dataset[run.dataset].append(run)
    cells: dict[tuple[str, str], Standing] = {}
    for dataset, dataset_runs in sorted(by_dataset.items()):
        for standing in standings(dataset_runs, metric_of(dataset_runs)):
            first = standing.first
            shown_standing = cells.get((dataset, first.label))
            if shown_standing is None or _place(standing) > _place(shown_standing):
                cells[dataset, first.label] = standing
    return [HeatCell(dataset, recipe, standing) for (dataset, recipe), standing in cells.items()]


def _place(standing: Standing) -> tuple[tuple[int, int], tuple[int, int]]:
    return (shots_order(standing.shots), standing.first.recency)
