"""Standings as points with their 95 % intervals, best at the top."""

import math
from collections.abc import Mapping, Sequence

import altair as alt

from dashboards.charts.axes import link_to, metric_axis, names_axis, recipe_colour, recipe_shape, records
from dashboards.views.names import standing_names
from dashboards.views.standings import Standing
from workbench.metrics.formatting import format_interval, format_value
from workbench.reports.colours import Mark


def interval_chart(standings: Sequence[Standing], marks: Mapping[str, Mark]) -> alt.LayerChart:
    """One line a standing.

    Args:
        standings: Best first.
        marks: By recipe label.
    """
    metric = standings[0].metric
    rows = [
        {
            "name": name,
            "whole": standing.name,
            "url": link_to(standing.first.run_id),
            "place": place,
            "recipe": standing.first.label,
            "value": standing.value,
            "low": None if math.isnan(standing.low) else standing.low,
            "high": None if math.isnan(standing.high) else standing.high,
            "value_text": format_value(metric, standing.value, unit=True),
            "span": format_interval(metric, standing.low, standing.high) or "none",
            "seeds": len(standing.runs),
        }
        for place, (standing, name) in enumerate(zip(standings, standing_names(standings), strict=True))
    ]
    order = [row["name"] for row in rows]
    recipes = [standing.first.label for standing in standings]
    base = alt.Chart(records(rows)).encode(
        y=alt.Y("name:N", sort=order, title=None, axis=names_axis(220)),
        color=recipe_colour(recipes, marks, legend=None),
        tooltip=[
            alt.Tooltip("whole:N", title="recipe · model · shots"),
            alt.Tooltip("value_text:N", title=metric),
            alt.Tooltip("span:N", title="95 % interval"),
            alt.Tooltip("seeds:Q"),
        ],
    )
    axis = alt.X("low:Q", title=metric, axis=metric_axis(metric), scale=alt.Scale(zero=False))
    spans = base.mark_rule(strokeWidth=3, opacity=0.55).encode(x=axis, x2="high:Q")
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("value:Q"), shape=recipe_shape(recipes, marks, legend=None), href="url:N"
    )
    return (spans + points).properties(height=alt.Step(24))
