"""Results as sections of a table: one for each dataset, rows in order, cells with their marks."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.metrics.estimate import is_reliable
from workbench.metrics.registry import higher_is_better
from workbench.reports._table import MetricCell, ResultSection, Row
from workbench.runs.comparisons.groups import RunGroup, group_by_seed, primary_of
from workbench.runs.comparisons.intervals import recorded_interval
from workbench.tasks import installed
from workbench.tracking import RunResult, labels_apart, notes_on_dataset, schema
from workbench.tracking.states import State, dataset_state

Intervals = Callable[[RunGroup, str], tuple[float, float]]
"""Ends of the interval of a group's metric, NaN where there is none; see `runs.comparisons.GroupIntervals`."""


def build(
    results: Sequence[Mapping[str, Any]],
    metrics: Sequence[str] | None = None,
    *,
    aggregate: bool = False,
    intervals: Intervals | None = None,
) -> list[ResultSection]:
    """Group, sort and mark results; runs on different states of a dataset are in different sections.

    Args:
        results: Objects as `workbench results --json` prints them, newest first.
        metrics: Columns; the primary metric and a few others if None.
        aggregate: Show runs that differ in nothing but the seed as one row.
        intervals: Gives intervals of several seeds; without it they have none.
    """
    runs = labels_apart([RunResult(**result) for result in results], by_seed=not aggregate)
    by_state: dict[str, dict[State, list[RunResult]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        by_state[_dataset(run)][dataset_state(run.tags)].append(run)
    return [
        _section(name, _state_name(state, by_state[name]), state_runs, metrics, aggregate, intervals)
        for name in sorted(by_state)
        for state, state_runs in by_state[name].items()
    ]


def _dataset(run: RunResult) -> str:
    """Runs whose class names and captions are in different languages answer different questions."""
    language = run.tags.get(schema.LANGUAGE, "en")
    return run.dataset + ("" if language == "en" else f" ({language})")


def _state_name(state: State, states: Collection[State]) -> str:
    """The parts of a state that differ from the others; nothing where there is only one."""
    fingerprint, protocol = state
    words = [fingerprint[:8] or "unknown"] if len(states) > 1 else []
    words += [f"protocol {protocol or 'unknown'}"] if len({known_state[1] for known_state in states}) > 1 else []
    return ", ".join(words)


def _section(
    dataset: str,
    state_name: str,
    runs: list[RunResult],
    metrics: Sequence[str] | None,
    aggregate: bool,
    intervals: Intervals | None,
) -> ResultSection:
    primary = primary_among(runs, metrics)
    present = {name for run in runs for name in run.metrics}
    others = metrics if metrics is not None else _further_metrics(runs[0].task, present)
    columns = tuple(dict.fromkeys([primary, *others]) if metrics is None else metrics)
    groups = groups_of(runs, aggregate=aggregate)
    rows = [row_of(group, {metric: cell_of(group, metric, intervals) for metric in columns}) for group in groups]
    rows.sort(key=lambda row: _sort_key(row, primary))
    notes = (*notes_on_dataset(runs), *dict.fromkeys(note for run in runs for note in run.model_notes))
    return ResultSection(
        dataset, state_name, runs[0].field, primary, columns, with_best(rows, {name: name for name in columns}), notes
    )


def groups_of(runs: Sequence[RunResult], *, aggregate: bool) -> list[RunGroup]:
    """Runs that differ in nothing but the seed together, or each by itself."""
    return group_by_seed(runs) if aggregate else [RunGroup(run.label, (run,)) for run in runs]


def _further_metrics(task: str, present: Collection[str]) -> list[str]:
    """The columns beside the primary metric, chosen by the task; if it is not installed, the first metrics."""
    task_class = installed(task)
    candidates = (
        task_class.in_tables
        if task_class is not None
        else sorted(name for name in present if f"{name}_ci_low" in present)
    )
    return [name for name in candidates if name in present][:4]


def primary_among(runs: Sequence[RunResult], metrics: Sequence[str] | None) -> str:
    """The metric that orders rows: the one that the dataset's card names, unless others are asked for."""
    named = [run.tags[schema.PRIMARY_METRIC] for run in runs if schema.PRIMARY_METRIC in run.tags]
    if named and (metrics is None or named[0] in metrics):
        return named[0]
    return metrics[0] if metrics else primary_of(runs[0])


def row_of(group: RunGroup, cells: dict[str, MetricCell]) -> Row:
    """The row of a run group with these cells."""
    first = group.first
    error = first.tags.get(schema.ERROR, "").strip()
    return Row(
        model=first.model,
        recipe=group.label + (" (baseline)" if group.is_baseline else ""),
        shots=first.shots,
        seeds=str(first.seed) if len(group.runs) == 1 else f"{len(group.runs)} seeds",
        status=first.status,
        reason=error.splitlines()[0] if error else "",
        cells=cells,
        trains=first.shots != "0" and not group.is_baseline,
    )


def cell_of(group: RunGroup, metric: str, intervals: Intervals | None) -> MetricCell:
    """A metric of a run group."""
    if not group.values(metric):
        return MetricCell()
    if len(group.runs) == 1:
        low, high = recorded_interval(group.first, metric)
    else:
        low, high = (math.nan, math.nan) if intervals is None else intervals(group, metric)
    reliable = math.isnan(low) or all(is_reliable(run.metrics) for run in group.runs)
    return MetricCell(group.mean(metric), low, high, group.spread(metric), reliable)


def _sort_key(row: Row, primary: str) -> tuple[bool, float, float, str, str]:
    value = row.cells[primary].value
    if math.isnan(value):
        return (True, 0.0, 0.0, row.recipe, row.model)
    shots = float(row.block) if row.block.isdigit() else math.inf
    return (False, -shots, -value if higher_is_better(primary) else value, row.recipe, row.model)


def with_best(rows: list[Row], columns: Mapping[str, str]) -> list[Row]:
    """Rows whose best cells are marked.

    Args:
        rows: All rows have the same columns.
        columns: Column to its metric.
    """
    finished = [row for row in rows if row.status == "finished"]
    for column, metric in columns.items():
        for block in {row.block for row in finished}:
            # Rows that learn from no image belong to all blocks, so they are best where no row of any block is better.
            rivals = [row.cells[column].value for row in finished if block == "0" or row.block in {block, "0"}]
            values = [value for value in rivals if not math.isnan(value)]
            if len(values) < 2:
                continue
            best = max(values) if higher_is_better(metric) else min(values)
            for row in finished:
                cell = row.cells[column]
                if row.block == block and cell.value == best:
                    row.cells[column] = replace(cell, best=True)
    return rows
