"""A metric against shots."""

import math
from collections.abc import Mapping, Sequence

import altair as alt

from dashboards.charts.axes import below, metric_axis, recipe_colour, recipe_shape, records
from dashboards.colours import Mark
from dashboards.views.shots import ShotPoint
from dashboards.views.standings import Standing, shots_order
from workbench.metrics.formatting import format_value


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
            y=y, shape=recipe_shape(recipes, marks, legend=below())
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
    return alt.layer(*layers).properties(height=380)
