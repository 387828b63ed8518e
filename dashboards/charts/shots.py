"""A metric against shots."""

import math
from collections.abc import Mapping, Sequence

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
from dashboards.views.shots import ShotPoint
from dashboards.views.standings import Standing, shots_order
from workbench.metrics import higher_is_better
from workbench.metrics.formatting import format_value
from workbench.reports.colours import Mark


def shots_chart(
    points: Sequence[ShotPoint], level: Sequence[Standing], metric: str, marks: Mapping[str, Mark]
) -> alt.LayerChart:
    """One line a recipe with the spread over seeds as bars, recipes without training as level lines.

    Args:
        points: Of recipes that train; at least one.
        level: Of recipes that do not.
        metric: Name of the values.
        marks: By recipe label.
    """
    order = sorted({point.shots for point in points}, key=shots_order)
    recipes = [*(point.recipe for point in points), *(standing.first.label for standing in level)]
    rows = []
    for point in points:
        half = 0.0 if math.isnan(point.spread) else point.spread
        rows.append(
            {
                "recipe": point.recipe,
                "shots": point.shots,
                "mean": point.mean,
                "low": point.mean - half,
                "high": point.mean + half,
                "value_text": format_value(metric, point.mean, unit=True),
                "spread": format_value(metric, point.spread, unit=True),
                "seeds": len(point.values),
                "url": link_to(point.run_id),
            }
        )
    names = sorted(set(recipes))
    dash = alt.StrokeDash(
        "recipe:N", legend=None, scale=alt.Scale(domain=names, range=[list(marks[name].dash) for name in names])
    )
    base = alt.Chart(records(rows)).encode(
        x=alt.X("shots:N", sort=order, title="shots", axis=alt.Axis(labelAngle=0)),
        color=recipe_colour(recipes, marks, legend=below()),
        tooltip=[
            "recipe:N", "shots:N", alt.Tooltip("value_text:N", title=metric),
            alt.Tooltip("spread:N", title="standard deviation over seeds"), "seeds:Q",
        ],
    )  # fmt: skip
    y = alt.Y("mean:Q", title=metric, axis=metric_axis(metric), scale=alt.Scale(zero=False))
    layers = [
        base.mark_line(strokeWidth=2).encode(y=y, strokeDash=dash),
        base.mark_rule(strokeWidth=2, opacity=0.6).encode(y=alt.Y("low:Q", title=metric), y2="high:Q"),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            y=y, shape=recipe_shape(recipes, marks, legend=below()), href="url:N"
        ),
    ]
    if level:
        lines = [
            {
                "recipe": standing.first.label,
                "mean": standing.value,
                "value_text": format_value(metric, standing.value, unit=True),
                "shots": order[-1],
            }
            for standing in level
        ]
        flat = alt.Chart(records(lines)).encode(
            y="mean:Q", color=recipe_colour(recipes, marks, legend=below()),
            tooltip=["recipe:N", alt.Tooltip("value_text:N", title=metric)],
        )  # fmt: skip
        layers.append(flat.mark_rule(strokeWidth=2, strokeDash=[2, 3]))
    return alt.layer(*layers).properties(height=height_with_legend(recipes))


def small_charts(
    points: Sequence[ShotPoint], level: Sequence[Standing], metric: str, marks: Mapping[str, Mark]
) -> dict[str, alt.LayerChart]:
    """One small chart a recipe, its line before all others in grey, where one chart of all could not be read.

    Args:
        points: As for `shots_chart`.
        level: As for `shots_chart`.
        metric: As for `shots_chart`.
        marks: As for `shots_chart`.

    Returns:
        By recipe, the best at its most shots first; the axes of all are the same.
    """
    last = {point.recipe: point.mean for point in points}
    sign = -1 if higher_is_better(metric) else 1
    order = sorted({point.shots for point in points}, key=shots_order)
    every = [point.mean for point in points] + [standing.value for standing in level]
    scale = alt.Scale(domain=[min(every), max(every)], nice=True)
    x = alt.X("shots:N", sort=order, title=None, axis=alt.Axis(labelAngle=0))
    y = alt.Y("mean:Q", title=None, axis=metric_axis(metric), scale=scale)
    rows = [
        {
            "recipe": point.recipe, "shots": point.shots, "mean": point.mean, "url": link_to(point.run_id),
            "value_text": format_value(metric, point.mean, unit=True),
        }
        for point in points
    ]  # fmt: skip
    behind = alt.Chart(records(rows)).mark_line(color=GREY, opacity=0.25).encode(x=x, y=y, detail="recipe:N")
    flat = [{"mean": standing.value} for standing in level]
    lines = alt.Chart(records(flat)).mark_rule(color=GREY, strokeDash=[2, 3]).encode(y=y)
    charts = {}
    for recipe in sorted(last, key=lambda name: (sign * last[name], name)):
        own = alt.Chart(records(row for row in rows if row["recipe"] == recipe)).encode(
            x=x, y=y, href="url:N",
            tooltip=["recipe:N", "shots:N", alt.Tooltip("value_text:N", title=metric)],
        )  # fmt: skip
        colour = marks[recipe].colour
        layers = [behind, *([lines] if flat else []), own.mark_line(color=colour, strokeWidth=3)]
        layers.append(own.mark_point(color=colour, filled=True, size=50, opacity=1))
        charts[recipe] = alt.layer(*layers).properties(height=190, title=recipe)
    return charts
