"""Leaderboards by field and dataset, the heat map, and unfinished runs."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter

import pandas as pd
import streamlit as st

from dashboards.address import choose, choose_some
from dashboards.answer import show_answer
from dashboards.charts.cost import cost_chart
from dashboards.charts.heat_map import heat_map_chart
from dashboards.charts.intervals import interval_chart
from dashboards.figure import show_figure
from dashboards.session import Session
from dashboards.shot_curves import show_shot_curves
from dashboards.text import escaped, runs_caption, when
from dashboards.views.cost import FITTED_TOGETHER
from dashboards.views.heat_map import heat_map
from dashboards.views.shots import shot_curves
from dashboards.views.standings import Standing, metric_of, metrics_of, shots_of, shots_order, standings
from dashboards.widgets import as_values, choose_dataset, choose_suite, pick_runs, say_left_out, table
from workbench.formatting import counted, format_count, format_seconds
from workbench.reports import Format, render
from workbench.reports.suite.verdict import Verdict
from workbench.runs.comparisons import is_comparable
from workbench.runs.planning import NO_MODEL
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
    if not session.comparable:
        st.caption(runs_caption(runs))
        if runs:
            st.info("None of these runs is finished yet.")
        else:
            st.info("No run passes these filters.")
        _unfinished(runs)
        return
    left, middle, right = st.columns(3)
    dataset, dataset_runs = choose_dataset(session.comparable, place=left)
    metric = choose("metric", metrics_of(dataset_runs), key="metric", place=right)
    compared = [run for run in dataset_runs if is_comparable(run)]
    st.header(f"{escaped(dataset)} ({escaped(dataset_runs[0].field)})")
    _notes(dataset_runs)
    if compared:
        answer = st.container()
        suite, of_suite = choose_suite(session, compared, place=middle)
        asked = None if metric == metric_of(dataset_runs) else metric
        if session.snapshot.complete and not session.is_compared(suite, asked):
            # The table of all runs is there at once: it stands below, and is drawn first.
            waiting = answer.empty()
            waiting.info(
                f"Comparing the {counted(sum(run.suite == suite for run in session.finished), 'run')} of this suite; "
                "the verdict stands here when that is done. It is kept until the suite has another run."
            )
            _all_runs(session, runs, dataset, metric)
            with answer:
                _answer(session, of_suite, suite, asked)
            waiting.empty()
            return
        with answer:
            _answer(session, of_suite, suite, asked)
    _all_runs(session, runs, dataset, metric)


def _answer(session: Session, runs: Sequence[RunResult], suite: str, metric: str | None) -> None:
    found = show_answer(session, suite, runs[0].dataset, metric)
    if found is not None:
        _curves(session, runs, found)


def _all_runs(session: Session, runs: Sequence[RunResult], dataset: str, metric: str) -> None:
    finished = [run for run in runs if run.status == "finished"]
    st.header("All runs")
    st.caption(runs_caption(runs))
    say_left_out(session.runs, session.current)
    if finished:
        _leaderboard(session, [run for run in finished if run.dataset == dataset], dataset, metric)
        _all_datasets(finished)
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


def _notes(runs: Sequence[RunResult]) -> None:
    """What to know of the data, and of what models cannot do on them."""
    models = dict.fromkeys(note for run in runs for note in run.model_notes)
    for note in (*notes_on_dataset(runs), *models):
        st.caption(escaped(note))


def _curves(session: Session, runs: Sequence[RunResult], found: Verdict) -> None:
    """Shots and cost, of the verdict's model."""
    runs = [run for run in runs if run.model in {found.model, NO_MODEL}]
    points, level = shot_curves(runs, found.metric)
    if len({point.shots for point in points}) > 1:
        st.subheader("What more labels bring")
        show_shot_curves(points, level, found.metric, session.marks, f"{found.dataset}, {found.model}")
    there = [each for each in standings(runs, found.metric) if each.shots in {found.shots, "-"}]
    ranked = [each for each in there if not math.isnan(each.mean("train_seconds"))]
    if len(ranked) > 1:
        st.subheader("What it costs")
        title = f"{found.metric} on {found.dataset} against training time"
        show_figure(cost_chart(ranked, "train_seconds", session.marks), leaderboard(ranked), title)
        st.caption(f"Large marks are the Pareto front. {FITTED_TOGETHER}")


def _leaderboard(session: Session, runs: Sequence[RunResult], dataset: str, metric: str) -> None:
    with st.spinner("Resampling seeds and images together"):
        ranked = standings(runs, metric, session.intervals)
    if not ranked:
        st.info(f"No run on {escaped(dataset)} that passes these filters has this metric.")
        return
    st.caption(
        f"{escaped(metric)} with 95 % intervals; {len(ranked)} combinations of recipe, model and shots on "
        f"{escaped(dataset)}, the best mean first. Other shots and models are no fair comparison; ranks stand above."
    )
    title = f"{metric} on {dataset}, all combinations"
    show_figure(interval_chart(ranked[:_LINES], session.marks), leaderboard(ranked), title)
    if len(ranked) > _LINES:
        st.caption(f"The best {_LINES} are drawn; the table holds all.")
    if not all(standing.reliable for standing in ranked):
        st.caption("Some intervals rest on under 20 groups and are unreliable.")
    formats = {"train seconds": format_seconds, "trainable parameters": format_count}
    pick_runs(leaderboard(ranked), as_values(metric, metric, "low", "high") | formats, [each.first for each in ranked])


def _all_datasets(finished: Sequence[RunResult]) -> None:
    if len({run.dataset for run in finished}) < 2:
        return
    st.header("All datasets")
    models = list(dict.fromkeys(run.model for run in finished if run.model != NO_MODEL)) or [NO_MODEL]
    model = choose("model", models, key="model") if len(models) > 1 else models[0]
    cells = heat_map([run for run in finished if run.model in {model, NO_MODEL}])
    rows = [
        (cell.dataset, cell.recipe, cell.standing.metric, cell.standing.shots, cell.standing.value) for cell in cells
    ]
    names = ["dataset", "recipe", "metric", "shots", "value"]
    show_figure(heat_map_chart(cells), pd.DataFrame(rows, columns=names), f"Recipes on all datasets, {model}")
    st.caption(
        f"With {escaped(model)}: each dataset's primary metric at the most shots that a recipe has there, mean over "
        "seeds; the darker, the nearer to the best of its dataset."
    )


def _filtered(runs: Sequence[RunResult]) -> list[RunResult]:
    chosen = list(runs)
    with st.sidebar:
        st.subheader("Filters of all runs")
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
