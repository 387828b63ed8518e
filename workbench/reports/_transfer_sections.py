"""Tables of sources by targets, out of runs that were fitted elsewhere than where they are tested."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.reports._sections import Intervals, cell_of, groups_of, primary_among, row_of, with_best
from workbench.reports._table import MetricCell, ResultSection, Row
from workbench.runs.comparisons.groups import RunGroup, shots_order
from workbench.runs.comparisons.transfers import (
    groups_of_transfers,
    in_domain_sources,
    recipe_of,
    source_of,
    zero_shot_runs,
)
from workbench.tracking import RunResult, labels_apart


def transfer_sections(
    results: Sequence[Mapping[str, Any]],
    metrics: Sequence[str] | None = None,
    *,
    aggregate: bool = False,
    intervals: Intervals | None = None,
) -> list[ResultSection]:
    """A table for each set of datasets that transfers connect: a row a recipe and source, a column a target.

    Args:
        results: Objects as `workbench results --json` prints them, newest first.
        metrics: The first of them is shown if the datasets' own are not among them.
        aggregate: See `build`.
        intervals: See `build`.
    """
    finished = [RunResult(**result) for result in results if result["status"] == "finished"]
    if not any(run.trained_on for run in finished):
        return []
    runs = labels_apart(finished, by_seed=not aggregate)
    return [
        _section(targets, [run for run in runs if run.dataset in targets], metrics, aggregate, intervals)
        for targets in groups_of_transfers(sorted(runs, key=lambda run: run.dataset))
    ]


def _section(
    targets: tuple[str, ...],
    runs: Sequence[RunResult],
    metrics: Sequence[str] | None,
    aggregate: bool,
    intervals: Intervals | None,
) -> ResultSection:
    sources, columns = in_domain_sources(runs), {}
    for target in targets:
        columns[target] = primary_among([run for run in runs if run.dataset == target], metrics)
    rows: dict[tuple[Any, ...], Row] = {}
    cells: dict[tuple[Any, ...], dict[str, MetricCell]] = defaultdict(lambda: dict.fromkeys(targets, MetricCell()))
    by_model: dict[str, list[RunResult]] = defaultdict(list)
    for run in runs:
        by_model[run.model].append(run)
    for model_runs in by_model.values():
        zero = zero_shot_runs(model_runs)
        for group in groups_of(model_runs, aggregate=aggregate):
            run = group.first
            if group.is_baseline:
                continue
            recipe, source = recipe_of(run), source_of(run, sources)
            key = (-shots_order(run.shots), recipe, source, run.model, "" if aggregate else run.seed)
            row = row_of(group, cells[key])
            rows.setdefault(key, replace(row, recipe=f"{recipe}{f' from {source}' if source else ''}"))
            cells[key][run.dataset] = _cell(group, columns[run.dataset], intervals, zero.get(run.dataset))
    ordered = [rows[key] for key in sorted(rows)]
    name = ", ".join(targets)
    return ResultSection(name, "", "", columns[targets[0]], targets, with_best(ordered, columns), measured=columns)


def _cell(group: RunGroup, metric: str, intervals: Intervals | None, zero: RunResult | None) -> MetricCell:
    cell = cell_of(group, metric, intervals)
    if zero is None or group.first.shots == "0" or metric not in zero.metrics:
        return cell
    return replace(cell, gain=cell.value - zero.metrics[metric])
