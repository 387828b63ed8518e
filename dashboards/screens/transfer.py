"""Where recipes were fitted against where they are tested, as `workbench compare --suite` has it."""

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboards.address import choose
from dashboards.charts.transfers import transfer_chart
from dashboards.figure import show_figure
from dashboards.session import Session
from dashboards.text import escaped, runs_caption
from dashboards.views.standings import metrics_of
from dashboards.views.transfers import Tile, matrix_name, tiles
from dashboards.widgets import as_differences, as_values, table
from workbench.errors import WorkbenchError
from workbench.reports.suite.transfers import GAPS, LEGEND
from workbench.runs.comparisons import is_comparable
from workbench.runs.comparisons.transfers import Change, transfer_matrices

_PRIMARY = "primary metric"


def show(session: Session) -> None:
    """The page."""
    st.title("Transfer")
    runs = [run for run in session.finished if is_comparable(run)]
    suites = list(dict.fromkeys(run.suite for run in runs if run.trained_on))
    if not suites:
        st.caption(runs_caption(session.finished))
        st.info(
            "No run here was fitted on another dataset or domain than it is tested on; `[[transfer]]` in a suite makes "
            "such runs."
        )
        return
    if not session.snapshot.complete:
        st.info("p-values are corrected over all comparisons of a suite; they are there when all runs have arrived.")
        return
    suite_of, metric_of, matrix_of = st.columns(3)
    suite = choose("suite", suites, key="suite", place=suite_of)
    runs = [run for run in runs if run.suite == suite]
    metric = choose("metric", [_PRIMARY, *metrics_of(runs)], key="metric", place=metric_of)
    try:
        comparison = session.comparison(suite, None if metric == _PRIMARY else metric)
    except WorkbenchError as error:
        st.warning(f"This suite cannot be compared: {escaped(error)}")
        return
    named = {matrix_name(matrix): matrix for matrix in transfer_matrices(comparison)}
    if not named:
        st.info("The chosen metric is on none of these datasets.")
        return
    chosen = named[choose("datasets", list(named), key="matrix", place=matrix_of)]
    shown = list(tiles(chosen))
    st.caption(runs_caption([run for tile in shown for run in tile.cell.entry.group.runs]))
    rows = pd.DataFrame(_row(tile, "value") | {"metric": tile.cell.entry.metric} for tile in shown)
    show_figure(transfer_chart(shown), rows, f"{suite}: fitted on one dataset, tested on another")
    st.caption(escaped(f"Dark frames: in-domain. {LEGEND}"))
    _numbers(shown)
    st.caption(escaped(GAPS))
    st.caption(escaped(comparison.family))


def _numbers(shown: Sequence[Tile]) -> None:
    """A table for each metric: datasets may be ranked by others."""
    st.header("In numbers")
    for metric in dict.fromkeys(tile.cell.entry.metric for tile in shown):
        rows = [_row(tile, metric) for tile in shown if tile.cell.entry.metric == metric]
        differences = ("against zero-shot", "low ", "high ", "gap to in-domain", "low  ", "high  ")
        table(pd.DataFrame(rows), as_values(metric, metric, "low", "high") | as_differences(metric, *differences))


def _row(tile: Tile, metric: str) -> dict[str, str | float]:
    cell = tile.cell
    estimate = cell.entry.estimate
    return {
        "fitted": tile.row,
        "tested on": tile.target,
        metric: estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        **_change("against zero-shot", " ", cell.against),
        "shown by the test": "" if cell.against is None else "yes" if cell.against.is_evident else "no",
        **_change("gap to in-domain", "  ", cell.gap),
    }


def _change(name: str, mark: str, change: Change | None) -> dict[str, float]:
    """The columns of a difference; spaces tell its ends from those of the others, since no two columns may be alike."""
    if change is None:
        return {name: math.nan, f"low{mark}": math.nan, f"high{mark}": math.nan}
    return {name: change.value, f"low{mark}": change.low, f"high{mark}": change.high}
