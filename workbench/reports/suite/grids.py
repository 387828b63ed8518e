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
"""Column of what uses no training image, and of the baseline."""


@dataclass(frozen=True)
class Place:
    """A cell of a grid.

    Attributes:
        entry: The result.
        best: Whether nothing in its column, or among what stands beside every column, has a better mean.
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
        metric: What is shown.
        columns: Shots, `0` for what uses none.
        rows: Label to shots to cell; best at the most shots first.
        baseline: Label of the majority class, if it was run.
        chance: What a blind guess would reach, where that was worked out.
        task: What is asked of the dataset.
    """

    dataset: str
    field: str
    model: str
    metric: str
    columns: tuple[str, ...]
    rows: dict[str, dict[str, Place]]
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
        comparison: Everything; what is best is best of all.
        shown: Show these entries alone.
    """
    whole = _whole(comparison)
    if shown is None:
        return whole
    kept = {id(entry) for entry in shown.results}
    return [small for grid in whole if (small := _only(grid, kept)).rows]


def _only(grid: ShotsGrid, kept: set[int]) -> ShotsGrid:
    rows = {
        label: own
        for label, places in grid.rows.items()
        if (own := {column: place for column, place in places.items() if id(place.entry) in kept})
    }
    columns = tuple(column for column in grid.columns if any(column in own for own in rows.values()))
    return replace(grid, rows=rows, columns=columns)


def _whole(comparison: SuiteComparison) -> list[ShotsGrid]:
    found = []
    for dataset in dict.fromkeys(entry.run.dataset for entry in comparison.results):
        here = [entry for entry in comparison.results if entry.run.dataset == dataset]
        met = levels(entry.group for entry in here)
        for model in dict.fromkeys(model for model, _ in met) or [NO_MODEL]:
            own = [entry for entry in here if entry.run.model in (model, NO_MODEL)]
            found.append(_grid(comparison, own, dataset, model))
    return found


def column_of(entry: GroupResult) -> str:
    """The column in which an entry stands."""
    return WITHOUT if entry.group.is_everywhere else entry.run.shots


def _grid(comparison: SuiteComparison, own: list[GroupResult], dataset: str, model: str) -> ShotsGrid:
    metric = own[0].metric
    sign = 1.0 if higher_is_better(metric) else -1.0
    columns = tuple(sorted({column_of(entry) for entry in own}, key=shots_order))
    undecided = {
        frozenset((id(pair.first), id(pair.other)))
        for pair in comparison.pairs
        if pair.kind == "recipes" and not pair.decided and pair.first.run.dataset == dataset
    }
    places: dict[str, dict[str, Place]] = {}
    for column in columns:
        standing = [entry for entry in own if column_of(entry) in (column, WITHOUT)]
        best = max(standing, key=lambda entry: sign * entry.estimate.value)
        for entry in standing:
            if column_of(entry) == column:
                near = frozenset((id(entry), id(best))) in undecided
                tied = entry.estimate.value == best.estimate.value
                places.setdefault(entry.group.label, {})[column] = Place(entry, tied, near and not tied)

    def order(label: str) -> tuple[bool, float]:
        last = max(places[label], key=shots_order)
        return last == WITHOUT, -sign * places[label][last].entry.estimate.value

    baseline = next((entry.group.label for entry in own if entry.group.is_baseline), None)
    rows = {label: places[label] for label in sorted(places, key=order)}
    first = own[0]
    return ShotsGrid(dataset, first.run.field, model, metric, columns, rows, baseline, first.chance, first.run.task)


def shots_text(shots: str) -> str:
    """`no shots`, `1 shot`, `4 shots`, `all shots`."""
    return {WITHOUT: "no shots", "1": "1 shot"}.get(shots, f"{shots} shots")


def meetings(pairs: Sequence[GroupComparison]) -> dict[tuple[str, str, str], list[GroupComparison]]:
    """Pairs of recipes by dataset, model and shots; those that use no shots stand at every number of shots."""
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


def said(pairs: Sequence[GroupComparison], only: Collection[str] | None = None) -> list[str]:
    """A sentence a comparison, or one a recipe where there are many; see `standings`."""
    return [pair.sentence for pair in pairs] if len(pairs) <= _SENTENCES_UP_TO else standings(pairs, only)


def standings(pairs: Iterable[GroupComparison], only: Collection[str] | None = None) -> list[str]:
    """One sentence a recipe: what it is better than, worse than, and not told apart from.

    Args:
        pairs: Comparisons that met.
        only: Labels to speak of; all if None.
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
    found = []
    for label in sorted(order, key=lambda name: order[name]):
        if only is not None and label not in only:
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
        found.append(f"{label}: {'; '.join(parts)}.")
    return found


def value_text(metric: str, entry: GroupResult) -> str:
    """Mean, spread and interval: `69.3 ± 1.2 [66.0, 72.5]`."""
    estimate = entry.estimate
    text = format_value(metric, estimate.value)
    if not math.isnan(entry.spread):
        text += f" ± {format_value(metric, entry.spread)}"
    return f"{text} {format_interval(metric, estimate.low, estimate.high)}".rstrip()


def chance_text(grid: ShotsGrid) -> str:
    """The level of a blind guess; nothing where it is not known."""
    if grid.chance is None:
        return ""
    return f"A blind guess would reach {format_value(grid.metric, grid.chance, unit=True)}."
