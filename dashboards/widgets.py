"""Widgets whose value is part of the page's address, so that a link opens the same view."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from dashboards.text import when
from dashboards.views.standings import shots_of
from workbench.reports import is_share
from workbench.tracking import RunResult

T = TypeVar("T")


def choose(label: str, options: Sequence[T], *, key: str, show: Callable[[T], str] = str, place: Any = st) -> T:
    """One of the options; the first unless the address says otherwise."""
    found: T = place.selectbox(label, options, key=key, format_func=show, bind="query-params")
    return found


def choose_some(
    label: str,
    options: Sequence[T],
    *,
    key: str,
    show: Callable[[T], str] = str,
    place: Any = st,
    limit: int | None = None,
) -> list[T]:
    """Any number of the options; none means no restriction."""
    found: list[T] = place.multiselect(
        label, options, key=key, format_func=show, max_selections=limit, bind="query-params"
    )
    return found


def choose_dataset(runs: Sequence[RunResult], *, place: Any = st) -> tuple[str, list[RunResult]]:
    """A dataset among those of `runs`, and its runs."""
    dataset = choose("dataset", sorted({run.dataset for run in runs}), key="dataset", place=place)
    return dataset, [run for run in runs if run.dataset == dataset]


def say_left_out(everything: Sequence[RunResult], current: Sequence[RunResult]) -> None:
    """How many runs are on older states, if any."""
    count = len(everything) - len(current)
    if count:
        st.caption(
            f"{count} runs on another state of a dataset, model or recipe, or with another precision or protocol, than "
            "the newest run are left out."
        )


def run_title(run: RunResult) -> str:
    """A run in one line that no other run has."""
    shots = "no training" if shots_of(run) == "-" else f"{shots_of(run)} shots"
    return f"{run.label} · {run.model} · {shots} · seed {run.seed} · {when(run)} · {run.run_id[:8]}"


def table(rows: pd.DataFrame, *, shares: Sequence[str] = ()) -> None:
    """A table without its index.

    Args:
        rows: What to show.
        shares: Columns of 0..1 that are shown in per cent.
    """
    columns = {name: st.column_config.NumberColumn(format="percent") for name in shares}
    st.dataframe(rows, hide_index=True, column_config=columns)


def shares_of(metric: str, *columns: str) -> tuple[str, ...]:
    """The columns, where the metric is a share."""
    return columns if is_share(metric) else ()
