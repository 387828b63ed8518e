"""A metric against shots."""

import pandas as pd
import streamlit as st

from dashboards.address import choose, choose_some
from dashboards.session import Session
from dashboards.shot_curves import show_shot_curves
from dashboards.text import runs_caption
from dashboards.views.shots import shot_curves
from dashboards.views.standings import metrics_of
from dashboards.widgets import as_values, choose_dataset, say_left_out, table


def show(session: Session) -> None:
    """The page."""
    st.title("Shots")
    dataset, model_of, metric_of = st.columns(3)
    _, dataset_runs = choose_dataset(session.comparable, place=dataset)
    models = sorted({run.model for run in dataset_runs if run.model != "none"}) or ["none"]
    model = choose("model", models, key="model", place=model_of)
    dataset_runs = [run for run in dataset_runs if run.model in {model, "none"}]
    metric = choose("metric", metrics_of(dataset_runs), key="metric", place=metric_of)
    recipes = choose_some("recipes", sorted({run.label for run in dataset_runs}), key="recipe")
    dataset_runs = [run for run in dataset_runs if not recipes or run.label in recipes]
    st.caption(runs_caption(dataset_runs))
    say_left_out(session.finished, session.comparable)
    points, level = shot_curves(dataset_runs, metric)
    if not points:
        st.info("No recipe here trains, so there is nothing to draw against shots.")
        return
    show_shot_curves(points, level, metric, session.marks, f"{dataset_runs[0].dataset}, {model}")
    rows = pd.DataFrame(
        {
            "recipe": [point.recipe for point in points],
            "shots": [point.shots for point in points],
            "mean": [point.mean for point in points],
            "standard deviation": [point.spread for point in points],
            "seeds": [len(point.values) for point in points],
        }
    )
    table(rows, as_values(metric, "mean", "standard deviation"))
