"""Widgets whose value is part of the page's address, so that a link opens the same view."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from dashboards.text import plain, when
from dashboards.views.standings import shots_of
from workbench.formatting import MISSING, format_p
from workbench.metrics.formatting import format_difference, format_value
from workbench.tracking import RunResult, left_out

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
) -> list[T]:
    """Any number of the options; none means no restriction."""
    found: list[T] = st.multiselect(label, options, key=key, format_func=show, bind="query-params")
    return found


def choose_dataset(runs: Sequence[RunResult], *, place: Any = st) -> tuple[str, list[RunResult]]:
    """A dataset among those of `runs`, and its runs."""
    dataset = choose("dataset", sorted({run.dataset for run in runs}), key="dataset", place=place)
    return dataset, [run for run in runs if run.dataset == dataset]


def say_left_out(everything: Sequence[RunResult], current: Sequence[RunResult]) -> None:
    """How many runs are on older states, if any."""
    for sentence in left_out(everything, current):
        st.caption(plain(sentence))


def run_title(run: RunResult) -> str:
    """A run in one line that no other run has."""
    shots = "no training" if shots_of(run) == "-" else f"{shots_of(run)} shots"
    return f"{run.label} · {run.model} · {shots} · seed {run.seed} · {when(run)} · {run.run_id[:8]}"


def table(rows: pd.DataFrame, formats: Mapping[str, Callable[[Any], str]] | None = None) -> None:
    """A table without its index, which sorts by the numbers and shows them as text.

    Args:
        rows: What to show.
        formats: How columns of numbers are shown; a column that is not there is passed over.
    """
    own: dict[Any, Any] = {name: form for name, form in (formats or {}).items() if name in rows}
    st.dataframe(rows.style.format(own), hide_index=True, placeholder=MISSING)


def as_values(metric: str, *columns: str) -> dict[str, Callable[[Any], str]]:
    """Formats of columns that hold values of a metric."""
    return dict.fromkeys(columns, partial(format_value, metric, unit=True))


def as_differences(metric: str, *columns: str) -> dict[str, Callable[[Any], str]]:
    """Formats of columns that hold differences of a metric."""
    return dict.fromkeys(columns, partial(format_difference, metric))


def as_p_values(*columns: str) -> dict[str, Callable[[Any], str]]:
    """Formats of columns that hold p-values."""
    return dict.fromkeys(columns, partial(format_p, name=""))
