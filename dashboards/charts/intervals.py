"""Standings as points with their 95 % intervals, best at the top."""

import math
from collections.abc import Mapping, Sequence

import altair as alt

from dashboards.charts.axes import metric_axis, recipe_colour, recipe_shape, records
from dashboards.colours import Mark
from dashboards.views.standings import Standing
from workbench.metrics.formatting import format_interval, format_value


def interval_chart(found: Sequence[Standing], marks: Mapping[str, Mark]) -> alt.LayerChart:
    """One line a standing.

    Args:
        found: Best first.
        marks: By recipe label.
    """
    metric = found[0].metric
    rows = [
        {
            "name": f"{each.rank}. {each.name}",
            "place": place,
            "recipe": each.first.label,
            "value": each.value,
            "low": None if math.isnan(each.low) else each.low,
            "high": None if math.isnan(each.high) else each.high,
            "said": format_value(metric, each.value, unit=True),
            "span": format_interval(metric, each.low, each.high) or "none",
            "seeds": len(each.runs),
        }
        for place, each in enumerate(found)
    ]
    order = [row["name"] for row in rows]
    recipes = [each.first.label for each in found]
    base = alt.Chart(records(rows)).encode(
        y=alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=200)),
        color=recipe_colour(recipes, marks, legend=None),
        tooltip=[
            alt.Tooltip("name:N", title="recipe · model · shots"),
            alt.Tooltip("said:N", title=metric),
            alt.Tooltip("span:N", title="95 % interval"),
            alt.Tooltip("seeds:Q"),
        ],
    )
    axis = alt.X("low:Q", title=metric, axis=metric_axis(metric), scale=alt.Scale(zero=False))
    spans = base.mark_rule(strokeWidth=3, opacity=0.55).encode(x=axis, x2="high:Q")
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("value:Q"), shape=recipe_shape(recipes, marks, legend=None)
    )
    return (spans + points).properties(height=alt.Step(24))
