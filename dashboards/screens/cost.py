"""A metric against its cost."""

import math

import pandas as pd
import streamlit as st

from dashboards.address import choose
from dashboards.charts.cost import cost_chart
from dashboards.figure import show_figure
from dashboards.session import Session
from dashboards.text import runs_caption
from dashboards.views.cost import COSTS, FITTED_TOGETHER, pareto_front
from dashboards.views.standings import metrics_of, standings
from dashboards.widgets import as_values, choose_dataset, choose_suite, pick_runs, say_left_out
from workbench.formatting import format_count, format_seconds


def show(session: Session) -> None:
    """The page."""
    st.title("Cost")
    columns = st.columns(4)
    dataset, runs = choose_dataset(session.comparable, place=columns[0])
    _, runs = choose_suite(session, runs, place=columns[1])
    metric = choose("metric", metrics_of(runs), key="metric", place=columns[2])
    cost = choose("cost", list(COSTS), key="cost", show=COSTS.__getitem__, place=columns[3])
    ranked = [standing for standing in standings(runs, metric) if not math.isnan(standing.mean(cost))]
    if not ranked:
        st.info("No run on this dataset has both.")
        return
    st.caption(runs_caption([run for standing in ranked for run in standing.runs]))
    say_left_out(session.finished, session.comparable)
    rows = pd.DataFrame(
        {
            "recipe": [standing.first.label for standing in ranked],
            "model": [standing.first.model for standing in ranked],
            "shots": [standing.shots for standing in ranked],
            metric: [standing.value for standing in ranked],
            cost: [standing.mean(cost) for standing in ranked],
            "Pareto front": pareto_front(ranked, cost),
        }
    )
    show_figure(cost_chart(ranked, cost, session.marks), rows, f"{metric} on {dataset} against {COSTS[cost]}")
    st.caption("Large marks on the dashed line are the Pareto front: nothing is both better and cheaper.")
    if cost == "train_seconds":
        st.caption(FITTED_TOGETHER)
    formats = as_values(metric, metric) | {cost: format_seconds if cost.endswith("_seconds") else format_count}
    pick_runs(rows, formats, [standing.first for standing in ranked])
