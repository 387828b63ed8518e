"""Dataset x recipe, coloured by the metric."""

from collections.abc import Sequence

import altair as alt

from dashboards.charts.axes import records
from dashboards.views.heat_map import HeatCell
from dashboards.views.standings import Standing
from workbench.formatting import format_share
from workbench.metrics.formatting import format_value, in_per_cent


def heat_map_chart(cells: Sequence[HeatCell]) -> alt.LayerChart:
    """Cells with their value, one hue from light to dark within each dataset's own range."""
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
                "text": _short(standing),
                "value_text": format_value(standing.metric, standing.value, unit=True),
                "place": (standing.value - low) / (high - low) if high > low else 1.0,
            }
        )
    base = alt.Chart(records(rows)).encode(
        x=alt.X("recipe:N", title=None, axis=alt.Axis(labelAngle=-40, labelLimit=160)),
        y=alt.Y("dataset:N", title=None, axis=alt.Axis(labelLimit=140)),
        tooltip=["dataset:N", "recipe:N", "metric:N", "shots:N", alt.Tooltip("value_text:N", title="value")],
    )
    shade = alt.Color("place:Q", scale=alt.Scale(scheme="blues", domain=[-0.15, 1.15]), legend=None)
    text_colour = alt.condition("datum.place > 0.6", alt.value("white"), alt.value("black"))
    tiles = base.mark_rect().encode(color=shade)
    texts = base.mark_text(fontSize=12).encode(text="text:N", color=text_colour)
    return (tiles + texts).properties(height=alt.Step(30))


def _short(standing: Standing) -> str:
    """The value, short enough for a cell."""
    return (
        format_share(standing.value, 0)
        if in_per_cent(standing.metric)
        else format_value(standing.metric, standing.value)
    )
