"""A metric against its cost."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from dashboards.charts.axes import (
    GREY,
    below,
    height_with_legend,
    link_to,
    metric_axis,
    recipe_colour,
    recipe_shape,
    records,
)
from dashboards.views.cost import COSTS, pareto_front
from dashboards.views.standings import Standing
from workbench.formatting import format_count, format_seconds
from workbench.metrics.formatting import format_value
from workbench.reports.colours import Mark

_ALIKE = 20
"""Costs that differ by no more than this factor stand on a linear axis."""
_LEAST = -4
"""Decade of the first tick of seconds: what takes less is nothing to anybody."""


def cost_chart(standings: Sequence[Standing], cost: str, marks: Mapping[str, Mark]) -> alt.LayerChart:
    """Standings as points, those on the Pareto front joined by a line.

    Args:
        standings: Those that have the cost; at least one.
        cost: A key of `COSTS`.
        marks: By recipe label.
    """
    metric = standings[0].metric
    front = pareto_front(standings, cost)
    costs = [standing.mean(cost) for standing in standings]
    rows = [
        {
            "name": standing.name,
            "url": link_to(standing.first.run_id),
            "recipe": standing.first.label,
            "cost": spent,
            "value": standing.value,
            "front": on_front,
            "value_text": format_value(metric, standing.value, unit=True),
            "spent": format_seconds(spent) if cost.endswith("_seconds") else format_count(spent),
        }
        for standing, spent, on_front in zip(standings, costs, front, strict=True)
    ]
    recipes = [standing.first.label for standing in standings]
    x = alt.X("cost:Q", title=COSTS[cost], **_scale(cost, costs))
    y = alt.Y("value:Q", title=metric, axis=metric_axis(metric), scale=alt.Scale(zero=False))
    line = (
        alt.Chart(records(row for row in rows if row["front"]))
        .mark_line(color=GREY, strokeDash=[3, 3], interpolate="step-after")
        .encode(x=x, y=y)
    )
    points = alt.Chart(records(rows)).mark_point(filled=True, opacity=1).encode(
        x=x, y=y,
        color=recipe_colour(recipes, marks, legend=below()),
        shape=recipe_shape(recipes, marks, legend=below()),
        href="url:N",
        size=alt.condition("datum.front", alt.value(170), alt.value(60)),
        tooltip=[
            "name:N", alt.Tooltip("value_text:N", title=metric),
            alt.Tooltip("spent:N", title=COSTS[cost]),
            alt.Tooltip("front:N", title="on the Pareto front"),
        ],
    )  # fmt: skip
    return (line + points).properties(height=height_with_legend(recipes))


def _scale(cost: str, costs: Sequence[float]) -> dict[str, Any]:
    """A linear axis where costs are alike; else one of decades, in which zero, too, has a place."""
    if max(costs) <= _ALIKE * min(costs):
        return {"scale": alt.Scale(zero=False), "axis": alt.Axis(format="~g", grid=False)}
    # From the least cost on, lest all of a quick suite stands between zero and the first tick.
    least = math.floor(math.log10(min((each for each in costs if each > 0), default=1)))
    least = max(_LEAST, min(least, -2)) if cost.endswith("seconds") else 0
    # symlog picks ticks by the linear rule, which crowds them at one end.
    decades = [0, *(10.0**k for k in range(least, 10) if 10.0**k <= 2 * max(costs))]
    return {
        "scale": alt.Scale(type="symlog", constant=10.0**least),
        # Vega would fit a format to the distance of the ticks, and write 100 as 1e+2.
        "axis": alt.Axis(values=decades, labelExpr="format(datum.value, ',~f')", grid=False),
    }
