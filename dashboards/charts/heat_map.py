"""Dataset x recipe, coloured by the metric."""

from collections.abc import Sequence

import altair as alt

from dashboards.charts.axes import link_to, names_axis, records
from dashboards.views.heat_map import HeatCell
from workbench.metrics import higher_is_better
from workbench.metrics.formatting import format_value, in_per_cent

_LEAST_SPAN = 0.1
"""Shares that differ by less are not set apart by the whole range of shades."""


def heat_map_chart(cells: Sequence[HeatCell]) -> alt.LayerChart:
    """Recipes down, datasets across: cells with their value, the darker the nearer to the best of their dataset."""
    spans: dict[str, tuple[float, float]] = {}
    for cell in cells:
        low, high = spans.get(cell.dataset, (cell.standing.value, cell.standing.value))
        spans[cell.dataset] = (min(low, cell.standing.value), max(high, cell.standing.value))
    rows = []
    for cell in cells:
        low, high = spans[cell.dataset]
        standing = cell.standing
        rows.append(
            {
                "dataset": cell.dataset,
                "recipe": cell.recipe,
                "metric": standing.metric,
                "shots": standing.shots,
                "text": format_value(standing.metric, standing.value),
                "url": link_to(standing.first.run_id),
                "value_text": format_value(standing.metric, standing.value, unit=True),
                "place": _shade(standing.metric, standing.value, low, high),
            }
        )
    across = alt.Axis(labelAngle=-30, labelLimit=160, labelOverlap=False, orient="top")
    base = alt.Chart(records(rows)).encode(
        x=alt.X("dataset:N", title=None, axis=across),
        y=alt.Y("recipe:N", title=None, sort=_order(cells), axis=names_axis(180)),
        href="url:N",
        tooltip=["dataset:N", "recipe:N", "metric:N", "shots:N", alt.Tooltip("value_text:N", title="value")],
    )
    shade = alt.Color("place:Q", scale=alt.Scale(scheme="blues", domain=[-0.15, 1.15]), legend=None)
    text_colour = alt.condition("datum.place > 0.6", alt.value("white"), alt.value("black"))
    tiles = base.mark_rect().encode(color=shade)
    texts = base.mark_text(fontSize=12).encode(text="text:N", color=text_colour)
    return (tiles + texts).properties(height=alt.Step(26))


def _shade(metric: str, value: float, low: float, high: float) -> float:
    """The place of a value between its dataset's worst and best; values that are nearly alike have nearly one shade."""
    span = max(high - low, _LEAST_SPAN if in_per_cent(metric) else 0.0)
    better_high = higher_is_better(metric)
    lost = high - value if better_high else value - low
    return 1.0 - lost / span if span > 0 else 1.0


def _order(cells: Sequence[HeatCell]) -> list[str]:
    """Recipes, the one that is best on average over datasets first."""
    places: dict[str, list[int]] = {}
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        here = [cell for cell in cells if cell.dataset == dataset]
        for cell in here:
            places.setdefault(cell.recipe, []).append(cell.standing.rank)
    return sorted(places, key=lambda recipe: (sum(places[recipe]) / len(places[recipe]), recipe))
