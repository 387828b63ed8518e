"""A metric against shots."""

import pandas as pd
import streamlit as st

from dashboards.address import choose, choose_some
from dashboards.session import Session
from dashboards.shot_curves import show_shot_curves
from dashboards.text import runs_caption
from dashboards.views.shots import shot_curves
from dashboards.views.standings import metrics_of
from dashboards.widgets import as_values, choose_dataset, choose_suite, say_left_out, table


def show(session: Session) -> None:
    """The page."""
    st.title("Shots")
    dataset_of, suite_of, model_of, metric_of = st.columns(4)
    dataset, runs = choose_dataset(session.comparable, place=dataset_of)
    _, runs = choose_suite(session, runs, place=suite_of)
    models = sorted({run.model for run in runs if run.model != "none"}) or ["none"]
    model = choose("model", models, key="model", place=model_of)
    runs = [run for run in runs if run.model in {model, "none"}]
    metric = choose("metric", metrics_of(runs), key="metric", place=metric_of)
    recipes = choose_some("recipes", sorted({run.label for run in runs}), key="recipe")
    runs = [run for run in runs if not recipes or run.label in recipes]
    st.caption(runs_caption(runs))
    say_left_out(session.finished, session.comparable)
    points, level = shot_curves(runs, metric)
    if not points:
        st.info("No recipe here trains, so there is nothing to draw against shots.")
        return
    show_shot_curves(points, level, metric, session.marks, f"{dataset}, {model}")
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
