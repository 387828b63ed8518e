"""A metric against what it costs."""

import math

import pandas as pd
import streamlit as st

from dashboards.charts.cost import cost_chart
from dashboards.session import Session
from dashboards.text import shown
from dashboards.views.pareto import COSTS, pareto_front
from dashboards.views.standings import metrics_of, standings
from dashboards.widgets import as_values, choose, choose_dataset, say_left_out, table
from workbench.formatting import format_count, format_seconds


def show(session: Session) -> None:
    """The page."""
    st.title("Cost")
    columns = st.columns(3)
    _, own = choose_dataset(session.comparable, place=columns[0])
    metric = choose("metric", metrics_of(own), key="metric", place=columns[1])
    cost = choose("cost", list(COSTS), key="cost", show=COSTS.__getitem__, place=columns[2])
    found = [each for each in standings(own, metric) if not math.isnan(each.mean(cost))]
    if not found:
        st.info("No run on this dataset has both.")
        return
    st.caption(shown([run for each in found for run in each.runs]))
    say_left_out(session.finished, session.comparable)
    st.altair_chart(cost_chart(found, cost, session.marks), width="stretch")
    st.caption("Large marks on the dashed line are the Pareto front: nothing is both better and cheaper.")
    rows = pd.DataFrame(
        {
            "recipe": [each.first.label for each in found],
            "model": [each.first.model for each in found],
            "shots": [each.shots for each in found],
            metric: [each.value for each in found],
            cost: [each.mean(cost) for each in found],
            "Pareto front": pareto_front(found, cost),
        }
    )
    table(rows, as_values(metric, metric) | {cost: format_seconds if cost.endswith("_seconds") else format_count})
