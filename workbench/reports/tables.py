"""Results as a table: for the terminal, Markdown, CSV, LaTeX or JSON."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from workbench.errors import WorkbenchError
from workbench.registry import closest
from workbench.reports import _documents, _machine, _sections, _terminal
from workbench.reports._transfer_sections import transfer_sections

Format = Literal["table", "markdown", "csv", "latex", "json"]


def render(
    results: Sequence[Mapping[str, Any]],
    format: Format = "table",  # noqa: A002 - the flag's name
    metrics: Sequence[str] | None = None,
    *,
    aggregate_seeds: bool = False,
    intervals: _sections.Intervals | None = None,
    width: int | None = None,
    color: bool = False,
) -> str:
    """Render results.

    `table`, `markdown` and `latex` have a part for each dataset, its runs in blocks of the same shots, the most shots
    first and those that learn from no image last, ordered by the primary metric. The best value of each column is
    marked in each block, 95 % intervals stand beside values with a mark where these are unreliable, the majority-class
    row is named as the baseline, and runs that failed have their reason. Where runs were fitted on another dataset than
    they are tested on, tables of sources by targets follow. Shares are in per cent there. `csv` and `json`
    hold every run and metric unrounded. Runs on different states of a dataset are in parts of their own.

    Args:
        results: Objects with `run_id, suite, model, dataset, field, task, recipe, shots, seed, status, metrics, params,
            tags`, as `workbench results --json` prints them, newest first.
        format: The output format.
        metrics: Metrics to show; by default the primary and the usual few (in `csv` and `json` all). The first one
            orders the rows unless the primary is among them.
        aggregate_seeds: Show runs that differ in the seed alone as mean and standard deviation; of a seed
            that was run twice the first result counts.
        intervals: Gives intervals of several seeds, see `workbench.runs.comparisons.GroupIntervals`; without it such
            rows have none.
        width: Columns of the terminal; found out if None.
        color: Whether the terminal table may hold colours.

    Raises:
        WorkbenchError: The format is unknown, or no result has one of the metrics.
    """
    if format not in ("table", "markdown", "csv", "latex", "json"):
        hint = closest(format, ["table", "markdown", "csv", "latex", "json"])
        raise WorkbenchError(f"format: expected table, markdown, csv, latex or json, got {format!r}.{hint}")
    metrics = metrics or None
    _check_metrics(results, metrics)
    if format in ("csv", "json") and not aggregate_seeds:
        return (_machine.to_csv if format == "csv" else _machine.to_json)(results, metrics)
    sections = _sections.build(results, metrics, aggregate=aggregate_seeds, intervals=intervals)
    if format == "csv":
        return _machine.aggregated_csv(sections)
    if format == "json":
        return _machine.aggregated_json(sections)
    if not sections:
        return "No runs.\n"
    sections += transfer_sections(results, metrics, aggregate=aggregate_seeds, intervals=intervals)
    if format == "markdown":
        return _documents.to_markdown(sections)
    if format == "latex":
        return _documents.to_latex(sections)
    columns = width or shutil.get_terminal_size((160, 24)).columns
    return _terminal.to_terminal(sections, width=columns, color=color, ascii_only=not _speaks_unicode())


def _check_metrics(results: Sequence[Mapping[str, Any]], metrics: Sequence[str] | None) -> None:
    known = {name for result in results for name in result["metrics"]}
    for name in metrics or ():
        if known and name not in known:
            hint = closest(name, known) or f" Known: {', '.join(sorted(n for n in known if '_ci_' not in n))}."
            raise WorkbenchError(f"metrics: no result has {name!r}.{hint}")


def _speaks_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
