"""Leaderboards by field and dataset, the heat map, and unfinished runs."""

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter

import pandas as pd
import streamlit as st

from dashboards.address import choose, choose_some
from dashboards.charts.heat_map import heat_map_chart
from dashboards.charts.intervals import interval_chart
from dashboards.session import Session
from dashboards.text import escaped, runs_caption, when
from dashboards.views.heat_map import heat_map
from dashboards.views.standings import Standing, metrics_of, shots_of, shots_order, standings
from dashboards.widgets import as_values, choose_dataset, say_left_out, table
from workbench.formatting import format_count, format_seconds
from workbench.reports import Format, render
from workbench.tracking import RunResult, notes_on_dataset, schema

_LINES = 30
_FORMATS: tuple[tuple[str, Format, str, str], ...] = (
    ("CSV", "csv", "csv", "text/csv"),
    ("Markdown", "markdown", "md", "text/markdown"),
    ("LaTeX", "latex", "tex", "application/x-tex"),
)
_FILTERS: dict[str, Callable[[RunResult], str]] = {
    "suite": attrgetter("suite"),
    "field": attrgetter("field"),
    "model": attrgetter("model"),
    "recipe": attrgetter("label"),
    "shots": shots_of,
    "status": attrgetter("status"),
}


def show(session: Session) -> None:
    """The page."""
    st.title("Overview")
    runs = _filtered(session.current)
    st.caption(runs_caption(runs))
    say_left_out(session.runs, session.current)
    finished = [run for run in runs if run.status == "finished"]
    if finished:
        _on_dataset(session, finished)
        st.header("All datasets")
        st.caption(
            "Each dataset's primary metric at the most shots that a recipe has there, mean over seeds; shades compare "
            "within a row."
        )
        st.altair_chart(heat_map_chart(heat_map(finished)), width="stretch")
        _downloads(session, finished)
    elif runs:
        st.info("None of these runs is finished yet.")
    else:
        st.info("No run passes these filters.")
    _unfinished([run for run in runs if run.status != "finished"])


def leaderboard(ranked: Sequence[Standing]) -> pd.DataFrame:
    """Standings as a table, best first."""
    return pd.DataFrame(
        {
            "rank": [standing.rank for standing in ranked],
            "recipe": [standing.first.label for standing in ranked],
            "model": [standing.first.model for standing in ranked],
            "shots": [standing.shots for standing in ranked],
            "seeds": [len(standing.runs) for standing in ranked],
            ranked[0].metric: [standing.value for standing in ranked],
            "low": [standing.low for standing in ranked],
            "high": [standing.high for standing in ranked],
            "train seconds": [standing.mean("train_seconds") for standing in ranked],
            "trainable parameters": [standing.mean("trainable_parameters") for standing in ranked],
            "suite": [standing.first.suite for standing in ranked],
            "newest run": [standing.first.run_id[:8] for standing in ranked],
        }
    )


def _on_dataset(session: Session, finished: Sequence[RunResult]) -> None:
    left, right = st.columns(2)
    dataset, dataset_runs = choose_dataset(finished, place=left)
    metric = choose("metric", metrics_of(dataset_runs), key="metric", place=right)
    with st.spinner("Resampling seeds and images together"):
        ranked = standings(dataset_runs, metric, session.intervals)
    st.header(f"{escaped(dataset)} ({escaped(dataset_runs[0].field)})")
    if not ranked:
        st.info("No run on this dataset has this metric.")
        return
    st.caption(f"{escaped(metric)} with 95 % intervals; {len(ranked)} combinations of recipe, model and shots.")
    st.altair_chart(interval_chart(ranked[:_LINES], session.marks), width="stretch")
    if len(ranked) > _LINES:
        st.caption(f"The best {_LINES} are drawn; the table holds all.")
    if not all(standing.reliable for standing in ranked):
        st.caption("Some intervals rest on under 20 groups and are unreliable.")
    models = dict.fromkeys(note for standing in ranked for note in standing.first.model_notes)
    runs = [run for standing in ranked for run in standing.group.runs]
    for note in (*notes_on_dataset(runs), *models):
        st.caption(escaped(note))
    formats = {"train seconds": format_seconds, "trainable parameters": format_count}
    table(leaderboard(ranked), as_values(metric, metric, "low", "high") | formats)


def _filtered(runs: Sequence[RunResult]) -> list[RunResult]:
    chosen = list(runs)
    with st.sidebar:
        st.subheader("Filters")
        for name, read in _FILTERS.items():
            values = sorted({read(run) for run in runs}, key=shots_order if name == "shots" else str)
            picked = choose_some(name, values, key=f"only_{name}")
            if picked:
                chosen = [run for run in chosen if read(run) in picked]
    return chosen


def _downloads(session: Session, runs: Sequence[RunResult]) -> None:
    for column, (title, form, suffix, mime) in zip(st.columns(3), _FORMATS, strict=True):
        # Rendered when clicked: thousands of runs take seconds.
        column.download_button(
            f"Download as {title}",
            data=partial(_rendered, session, runs, form),
            file_name=f"results.{suffix}",
            mime=mime,
            on_click="ignore",
            width="stretch",
        )


def _rendered(session: Session, runs: Sequence[RunResult], form: Format) -> str:
    aggregate = form != "csv"
    return render([run.to_dict() for run in runs], form, aggregate_seeds=aggregate, intervals=session.intervals)


def _unfinished(runs: Sequence[RunResult]) -> None:
    if not runs:
        return
    st.header("Not finished")
    table(
        pd.DataFrame(
            {
                "status": [run.status for run in runs],
                "dataset": [run.dataset for run in runs],
                "recipe": [run.label for run in runs],
                "model": [run.model for run in runs],
                "shots": [shots_of(run) for run in runs],
                "began": [when(run) for run in runs],
                "reason": [run.tags.get(schema.ERROR, "") for run in runs],
                "run": [run.run_id[:8] for run in runs],
            }
        ),
    )
