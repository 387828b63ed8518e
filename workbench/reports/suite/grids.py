"""A comparison as grids, one a dataset and model: recipes down, shots across, and each recipe's standing in words."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from workbench.metrics import higher_is_better
from workbench.metrics.formatting import format_interval, format_value, heading
from workbench.runs.comparisons import GroupComparison, GroupResult, SuiteComparison
from workbench.runs.comparisons.groups import levels, shots_order
from workbench.runs.planning import NO_MODEL

_SENTENCES_UP_TO = 12
WITHOUT = "0"
"""Column of recipes without training images, and of the baseline."""


@dataclass(frozen=True)
class GridCell:
    """A cell of a grid.

    Attributes:
        entry: The result.
        best: Whether no result in its column, or without shots, has a better mean.
        near: Whether there is no evidence of a difference from the best.
    """

    entry: GroupResult
    best: bool
    near: bool


@dataclass(frozen=True)
class ShotsGrid:
    """Results on one dataset with one model.

    Attributes:
        dataset: Its name.
        field: Its field.
        model: Model argument.
        metric: The metric.
        columns: Shots, `0` for recipes that use none.
        rows: Label to shots to cell; best at the most shots first.
        baseline: Label of the majority class, if it was run.
        chance: The chance level, where it is known.
        task: The dataset's task.
    """

    dataset: str
    field: str
    model: str
    metric: str
    columns: tuple[str, ...]
    rows: dict[str, dict[str, GridCell]]
    baseline: str | None
    chance: float | None
    task: str

    @property
    def title(self) -> str:
        """Heading of the table."""
        model = "" if self.model == NO_MODEL else f", {self.model}"
        return f"{self.dataset} ({self.field}){model}: {heading(self.metric)}"


def grids(comparison: SuiteComparison, shown: SuiteComparison | None = None) -> list[ShotsGrid]:
    """Grids by dataset and model.

    Args:
        comparison: All results; the best are marked among them.
        shown: Only its entries are shown.
    """
    whole = _all_grids(comparison)
    if shown is None:
        return whole
    entry_ids = {id(entry) for entry in shown.results}
    return [part for grid in whole if (part := _with_entries(grid, entry_ids)).rows]


def _with_entries(grid: ShotsGrid, entry_ids: set[int]) -> ShotsGrid:
    rows = {
        label: shown_cells
        for label, cells in grid.rows.items()
        if (shown_cells := {column: cell for column, cell in cells.items() if id(cell.entry) in entry_ids})
    }
    columns = tuple(column for column in grid.columns if any(column in shown_cells for shown_cells in rows.values()))
    return replace(grid, rows=rows, columns=columns)


def _all_grids(comparison: SuiteComparison) -> list[ShotsGrid]:
    all_grids = []
    for dataset in dict.fromkeys(entry.run.dataset for entry in comparison.results):
        here = [entry for entry in comparison.results if entry.run.dataset == dataset]
        met = levels(entry.group for entry in here)
        for model in dict.fromkeys(model for model, _ in met) or [NO_MODEL]:
            entries = [entry for entry in here if entry.run.model in (model, NO_MODEL)]
            all_grids.append(_grid(comparison, entries, dataset, model))
    return all_grids


def column_of(entry: GroupResult) -> str:
    """The column in which an entry stands."""
    return WITHOUT if entry.group.is_everywhere else entry.run.shots


def _grid(comparison: SuiteComparison, entries: list[GroupResult], dataset: str, model: str) -> ShotsGrid:
    metric = entries[0].metric
    sign = 1.0 if higher_is_better(metric) else -1.0
    columns = tuple(sorted({column_of(entry) for entry in entries}, key=shots_order))
    undecided = {
        frozenset((id(pair.first), id(pair.other)))
        for pair in comparison.pairs
        if pair.kind == "recipes" and not pair.decided and pair.first.run.dataset == dataset
    }
    cells: dict[str, dict[str, GridCell]] = {}
    for column in columns:
        standing = [entry for entry in entries if column_of(entry) in (column, WITHOUT)]
        best = max(standing, key=lambda entry: sign * entry.estimate.value)
        for entry in standing:
            if column_of(entry) == column:
                near = frozenset((id(entry), id(best))) in undecided
                tied = entry.estimate.value == best.estimate.value
                cells.setdefault(entry.group.label, {})[column] = GridCell(entry, tied, near and not tied)

    def order(label: str) -> tuple[bool, float]:
        last = max(cells[label], key=shots_order)
        return last == WITHOUT, -sign * cells[label][last].entry.estimate.value

    baseline = next((entry.group.label for entry in entries if entry.group.is_baseline), None)
    rows = {label: cells[label] for label in sorted(cells, key=order)}
    first = entries[0]
    return ShotsGrid(dataset, first.run.field, model, metric, columns, rows, baseline, first.chance, first.run.task)


def shots_text(shots: str) -> str:
    """`no shots`, `1 shot`, `4 shots`, `all shots`."""
    return {WITHOUT: "no shots", "1": "1 shot"}.get(shots, f"{shots} shots")


def recipe_pairs(pairs: Sequence[GroupComparison]) -> dict[tuple[str, str, str], list[GroupComparison]]:
    """Pairs of recipes by dataset, model and shots; pairs that use no shots are at every number of shots."""
    met = dict.fromkeys((p.first.run.dataset, p.model, p.shots) for p in pairs if p.kind == "recipes")
    return {
        (dataset, model, shots): [
            pair
            for pair in pairs
            if pair.kind == "recipes"
            and (pair.first.run.dataset, pair.model) == (dataset, model)
            and (pair.shots == shots or (pair.first.group.is_everywhere and pair.other.group.is_everywhere))
        ]
        for dataset, model, shots in met
    }


def comparison_sentences(pairs: Sequence[GroupComparison], labels: Collection[str] | None = None) -> list[str]:
    """A sentence a comparison, or one a recipe where there are many; see `standings`."""
    return [pair.sentence for pair in pairs] if len(pairs) <= _SENTENCES_UP_TO else standings(pairs, labels)


def standings(pairs: Iterable[GroupComparison], labels: Collection[str] | None = None) -> list[str]:
    """One sentence a recipe: the recipes that it is better than, worse than, and not evidently different from.

    Args:
        pairs: The comparisons.
        labels: Labels to include; all if None.
    """
    better: dict[str, list[str]] = {}
    worse: dict[str, list[str]] = {}
    alike: dict[str, list[str]] = {}
    order: dict[str, float] = {}
    for pair in pairs:
        a, b = pair.first.group.label, pair.other.group.label
        sign = 1.0 if higher_is_better(pair.first.metric) else -1.0
        for entry in (pair.first, pair.other):
            order[entry.group.label] = -sign * entry.estimate.value
        if not pair.decided:
            alike.setdefault(a, []).append(b)
            alike.setdefault(b, []).append(a)
            continue
        winner, loser = (a, b) if sign * pair.difference.value > 0 else (b, a)
        better.setdefault(winner, []).append(loser)
        worse.setdefault(loser, []).append(winner)
    sentences = []
    for label in sorted(order, key=lambda name: order[name]):
        if labels is not None and label not in labels:
            continue
        parts = [
            f"{words} {', '.join(sorted(names[label], key=lambda name: order[name]))}"
            for words, names in (
                ("better than", better),
                ("no evidence of a difference from", alike),
                ("worse than", worse),
            )
            if label in names
        ]
        sentences.append(f"{label}: {'; '.join(parts)}.")
    return sentences


def value_text(metric: str, entry: GroupResult) -> str:
    """Mean, spread and interval: `69.3 ± 1.2 [66.0, 72.5]`."""
    estimate = entry.estimate
    text = format_value(metric, estimate.value)
    if not math.isnan(entry.spread):
        text += f" ± {format_value(metric, entry.spread)}"
    return f"{text} {format_interval(metric, estimate.low, estimate.high)}".rstrip()


def chance_text(grid: ShotsGrid) -> str:
    """The chance level in a sentence; nothing where it is unknown."""
    if grid.chance is None:
        return ""
    return f"A blind guess would reach {format_value(grid.metric, grid.chance, unit=True)}."
