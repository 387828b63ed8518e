"""Shot curves: one chart of up to ten recipes, a small one each where there are more."""

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboards.charts.shots import shots_chart, small_charts
from dashboards.views.shots import ShotPoint
from dashboards.views.standings import Standing
from workbench.reports.colours import Mark

_READABLE = 10
_WIDTH = 260


def show_shot_curves(
    points: Sequence[ShotPoint], level: Sequence[Standing], metric: str, marks: Mapping[str, Mark]
) -> None:
    """The curves with the words that they need; nothing is cut away.

    Args:
        points: Of recipes that train; at least one.
        level: Of recipes that do not.
        metric: Name of the values.
        marks: By recipe label.
    """
    recipes = {point.recipe for point in points}
    said = "Shots are training images a class, or in all where there are no classes. Means over seeds"
    if len(recipes) <= _READABLE:
        st.altair_chart(shots_chart(points, level, metric, marks), width="stretch", alt=f"{metric} against shots")
        st.caption(f"{said}; bars are one standard deviation over seeds. Dotted lines use no training images.")
        return
    cells = st.container(horizontal=True)
    for recipe, chart in small_charts(points, level, metric, marks).items():
        cells.container(width=_WIDTH).altair_chart(chart, width="stretch", alt=f"{metric} of {recipe} against shots")
    st.caption(f"{said}, {metric} upwards, each recipe before all others in grey. Dotted lines use no training images.")
