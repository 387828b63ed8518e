"""The recipes of a verdict with their 95 % intervals, best at the top; those that no test tells apart share a rank."""

from collections.abc import Mapping

import altair as alt

from dashboards.charts.axes import (
    GREY,
    link_to,
    metric_axis,
    names_axis,
    recipe_colour,
    recipe_outline,
    recipe_shape,
    records,
)
from workbench.formatting import format_p
from workbench.metrics.formatting import format_difference, format_interval, format_value
from workbench.reports.colours import Mark
from workbench.reports.suite.verdict import Place, Verdict


def forest_chart(verdict: Verdict, marks: Mapping[str, Mark]) -> alt.LayerChart:
    """One line a recipe; full marks cannot be told apart from the best, hollow ones are worse.

    Args:
        verdict: With at least one recipe.
        marks: By recipe label.
    """
    rows = [_row(verdict, place) for place in verdict.places]
    recipes = [place.label for place in verdict.places]
    order = [row["name"] for row in rows]
    base = alt.Chart(records(rows)).encode(
        y=alt.Y("name:N", sort=order, title=None, axis=names_axis(220)),
        color=recipe_colour(recipes, marks, legend=None),
        href="url:N",
        tooltip=[
            alt.Tooltip("recipe:N"), alt.Tooltip("value_text:N", title=verdict.metric),
            alt.Tooltip("span:N", title="95 % interval"), alt.Tooltip("against:N", title="against the best"),
            alt.Tooltip("seeds:Q"),
        ],
    )  # fmt: skip
    axis = alt.X("low:Q", title=verdict.metric, axis=metric_axis(verdict.metric), scale=alt.Scale(zero=False))
    layers = [
        base.mark_rule(strokeWidth=3, opacity=0.55).encode(x=axis, x2="high:Q"),
        base.mark_point(size=90, opacity=1, strokeWidth=2).encode(
            x=alt.X("value:Q"),
            shape=recipe_shape(recipes, marks, legend=None),
            # Beside `fill`, Vega-Lite draws outlines in the theme's colour unless they have a scale of their own.
            stroke=recipe_outline(recipes, marks),
            fill=alt.condition("datum.tied", recipe_colour(recipes, marks, legend=None), alt.value("transparent")),
        ),
    ]
    if verdict.baseline is not None:
        value = verdict.baseline.estimate.value
        text = format_value(verdict.metric, value, unit=True)
        line = [{"value": value, "recipe": verdict.baseline.group.label, "value_text": text}]
        layers.append(
            alt.Chart(records(line))
            .mark_rule(color=GREY, strokeDash=[2, 3], strokeWidth=2)
            .encode(x="value:Q", tooltip=["recipe:N", alt.Tooltip("value_text:N", title=verdict.metric)])
        )
    return alt.layer(*layers).properties(height=alt.Step(24))


def _row(verdict: Verdict, place: Place) -> dict[str, object]:
    estimate = place.entry.estimate
    return {
        "name": f"{place.rank}. {place.label}",
        "recipe": place.label,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "value_text": format_value(verdict.metric, estimate.value, unit=True),
        "span": format_interval(verdict.metric, estimate.low, estimate.high),
        "against": _against_best(verdict, place),
        "tied": place.is_tied,
        "seeds": len(place.entry.group.runs),
        "url": link_to(place.entry.group.newest.run_id),
    }


def _against_best(verdict: Verdict, place: Place) -> str:
    if place.against_best is None:
        return "it is the best"
    gap = place.gap
    return f"{format_difference(verdict.metric, gap)}, {format_p(place.against_best.p_corrected)} after Holm correction"
