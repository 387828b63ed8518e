"""Widgets of several pages."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboards.address import choose, link
from dashboards.session import Session, picture, row_of
from dashboards.text import escaped, when
from dashboards.views.standings import shots_of
from workbench.datasets import Dataset
from workbench.formatting import MISSING, format_p
from workbench.metrics.formatting import format_difference, format_value
from workbench.tracking import RunResult, left_out

_PICTURE_SIZE = 200
_OF_DATASET = ("run", "group", "detail", "seed", "against", "page", "item", "like", "true", "predicted", "split")
"""What an address says of one dataset alone."""


def choose_dataset(runs: Sequence[RunResult], *, place: Any = st) -> tuple[str, list[RunResult]]:
    """A dataset among those of `runs`, and its runs; the one last worked on unless the address says otherwise.

    Args:
        runs: Newest first.
        place: A part of the page.
    """
    names = sorted({run.dataset for run in runs})
    if len(names) > 1 and "dataset" not in st.query_params:
        st.query_params["dataset"] = runs[0].dataset  # A link shows the same one when another was worked on since.
    dataset = choose("dataset", names, key="dataset", default=runs[0].dataset, drops=_OF_DATASET, place=place)
    return dataset, [run for run in runs if run.dataset == dataset]


def choose_suite(session: Session, runs: Sequence[RunResult], *, place: Any = st) -> tuple[str, list[RunResult]]:
    """A suite among those of `runs`, and its runs; that of the newest run unless the address says otherwise.

    Args:
        session: The rerun.
        runs: Of those that can be compared, newest first. Their labels become those of the suite alone.
        place: A part of the page.
    """
    suite = choose("suite", list(dict.fromkeys(run.suite for run in runs)), key="suite", place=place)
    there = {run.run_id for run in runs}
    return suite, [run for run in session.by_suite[suite] if run.run_id in there]


def choose_run(runs: Sequence[RunResult], *, place: Any = st) -> RunResult:
    """A run, by its id."""
    return choose("run", runs, key="run", ident=run_id, show=run_title, drops=("page", "item"), place=place)


def follow_run(runs: Sequence[RunResult]) -> None:
    """Let the run in the address decide on the dataset, so that a link to a run needs nothing else."""
    asked = st.query_params.get("run", "")
    run = next((run for run in runs if run.run_id == asked), None)
    if run is not None and st.query_params.get("dataset") != run.dataset:
        st.query_params["dataset"] = run.dataset


def run_id(run: RunResult) -> str:
    """What an address calls a run."""
    return run.run_id


def say_left_out(all_runs: Sequence[RunResult], current: Sequence[RunResult]) -> None:
    """The number of runs on older states, if any."""
    for sentence in left_out(all_runs, current):
        st.caption(escaped(sentence))


def run_title(run: RunResult) -> str:
    """A run in one line that no other run has."""
    return f"{run_settings(run)} · {when(run)} · {run.run_id[:8]}"


def run_settings(run: RunResult) -> str:
    """A run in one line, without what tells it from others of the same settings."""
    shots = "no training" if shots_of(run) == "-" else f"{shots_of(run)} shots"
    return f"{run.label} · {run.model} · {shots} · seed {run.seed}"


def table(rows: pd.DataFrame, formats: Mapping[str, Callable[[Any], str]] | None = None) -> None:
    """A table without its index, which sorts by the numbers and shows them as text.

    Args:
        rows: Its content.
        formats: Formats of columns of numbers; columns that are not there are ignored.
    """
    column_formats: dict[Any, Any] = {name: form for name, form in (formats or {}).items() if name in rows}
    st.dataframe(rows.style.format(column_formats), hide_index=True, placeholder=MISSING)


def pick_runs(
    rows: pd.DataFrame, formats: Mapping[str, Callable[[Any], str]], runs: Sequence[RunResult], *, key: str = "rows"
) -> None:
    """A table whose ticked rows are opened: one as its run, two side by side.

    Args:
        rows: One a run, in their order.
        formats: See `table`.
        runs: The run that stands for each row.
        key: Of the table among others on the page.
    """
    column_formats: dict[Any, Any] = {name: form for name, form in formats.items() if name in rows}
    # Streamlit keeps ticks by their row under one key: other runs must not be ticked in their place.
    shown = hash(tuple(run.run_id for run in runs))
    event = st.dataframe(
        rows.style.format(column_formats), hide_index=True, placeholder=MISSING, key=f"{key} {shown}",
        on_select="rerun", selection_mode="multi-row",
    )  # fmt: skip
    picked = [runs[i] for i in event["selection"]["rows"] if i < len(runs)]
    if not picked:
        st.caption(
            "Tick a row to open its newest run, two to compare them (by keyboard, Shift and the space bar tick the row "
            "of the cell in focus)."
        )
        return
    ways = st.container(horizontal=True)
    if len(picked) > 1:
        first = picked[0]
        ids = [run.run_id for run in picked]
        link("Compare these runs", "compare", ways, dataset=first.dataset, by="runs", run=ids)
    for run in picked:
        link(f"Open {run.label}, {run.run_id[:8]}", "run", ways, run=run.run_id)


def as_values(metric: str, *columns: str) -> dict[str, Callable[[Any], str]]:
    """Formats of columns that hold values of a metric."""
    return dict.fromkeys(columns, partial(format_value, metric, unit=True))


def as_differences(metric: str, *columns: str) -> dict[str, Callable[[Any], str]]:
    """Formats of columns that hold differences of a metric."""
    return dict.fromkeys(columns, partial(format_difference, metric))


def as_p_values(*columns: str) -> dict[str, Callable[[Any], str]]:
    """Formats of columns that hold p-values."""
    return dict.fromkeys(columns, partial(format_p, name=""))


def picture_grid(dataset: Dataset, items: Sequence[str], captions: Sequence[str]) -> None:
    """Show items of a dataset in a grid that folds on a narrow screen, with a line below each.

    Raises:
        WorkbenchError: The dataset has no such item.
    """
    cells = st.container(horizontal=True)
    for item, caption in zip(items, captions, strict=True):
        thumbnail = picture(dataset, row_of(dataset, item))
        with cells.container(width=_PICTURE_SIZE):
            if thumbnail is None:
                st.info("unreadable")
            else:
                st.image(thumbnail, width=_PICTURE_SIZE, alt=caption)
            st.caption(escaped(caption))
