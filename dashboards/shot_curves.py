"""Shot curves: one chart of up to ten recipes, a small one each where there are more."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd
import streamlit as st

from dashboards.charts.shots import shots_chart, small_charts
from dashboards.figure import offer_figure, show_figure
from dashboards.views.shots import ShotPoint
from dashboards.views.standings import Standing
from workbench.reports.colours import Mark

_READABLE = 10
_WIDTH, _SMALL = 260, 150


def show_shot_curves(
    points: Sequence[ShotPoint], level: Sequence[Standing], metric: str, marks: Mapping[str, Mark], about: str
) -> None:
    """The curves with the words that they need; nothing is cut away.

    Args:
        points: Of recipes that train; at least one.
        level: Of recipes that do not.
        metric: Name of the values.
        marks: By recipe label.
        about: What they were made on, for the title of the figure.
    """
    title = f"{metric} against shots, {about}"
    recipes = {point.recipe for point in points}
    said = "Shots are training images a class, or in all where there are no classes. Means over seeds"
    if len(recipes) <= _READABLE:
        show_figure(shots_chart(points, level, metric, marks), shot_rows(points, level), title)
        st.caption(f"{said}; bars are one standard deviation over seeds. Dotted lines use no training images.")
        return
    cells = st.container(horizontal=True)
    charts = small_charts(points, level, metric, marks)
    offer_figure(
        alt.concat(*(chart.properties(width=_SMALL) for chart in charts.values()), columns=3),
        shot_rows(points, level), title,
    )  # fmt: skip
    for recipe, chart in charts.items():
        cells.container(width=_WIDTH).altair_chart(chart, width="stretch", alt=f"{metric} of {recipe} against shots")
    st.caption(f"{said}, {metric} upwards, each recipe before all others in grey. Dotted lines use no training images.")


def shot_rows(points: Sequence[ShotPoint], level: Sequence[Standing]) -> pd.DataFrame:
    """The numbers of the curves, and of the recipes that do not train."""
    rows = [(point.recipe, point.shots, point.mean, point.spread, len(point.values)) for point in points]
    rows += [(each.first.label, each.shots, each.value, float("nan"), len(each.runs)) for each in level]
    return pd.DataFrame(rows, columns=["recipe", "shots", "mean", "standard deviation", "seeds"])
