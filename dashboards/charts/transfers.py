"""Source x target, coloured by what was gained or lost against zero-shot."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboards.charts.axes import names_axis, records
from dashboards.views.names import shortened_apart
from dashboards.views.transfers import Tile
from workbench.metrics import higher_is_better
from workbench.metrics.formatting import format_value
from workbench.reports.suite.transfers import change_text, in_domain_text, is_gain

_LONGEST = 26


def transfer_chart(tiles: Sequence[Tile]) -> alt.LayerChart:
    """Cells with their value: blue is better than zero-shot on the same images, orange worse, white the same.

    ▲ and ▼ mark differences that the test shows, dark frames what was fitted where it is tested.
    """
    names = shortened_apart([tile.row for tile in tiles], _LONGEST)
    rows = [_row(tile) | {"name": name} for tile, name in zip(tiles, names, strict=True)]
    most = max((abs(row["gain"]) for row in rows), default=0.0) or 1.0
    base = alt.Chart(records(rows)).encode(
        x=alt.X("target:N", title="tested on", sort=None, axis=alt.Axis(labelAngle=-30, labelLimit=180)),
        y=alt.Y("name:N", title=None, sort=None, axis=names_axis(0)),
        tooltip=[
            alt.Tooltip("row:N", title="fitted"), alt.Tooltip("target:N", title="tested on"), "metric:N",
            alt.Tooltip("value:N", title="value"), alt.Tooltip("against:N", title="against zero-shot"),
            alt.Tooltip("gap:N", title="gap to in-domain"),
        ],
    )  # fmt: skip
    scale = alt.Scale(scheme="blueorange", domain=[most, -most])
    text_colour = alt.condition(f"abs(datum.gain) > {0.7 * most}", alt.value("white"), alt.value("black"))
    frame = alt.condition("datum.home", alt.value("#333333"), alt.value("#BBBBBB"))
    tiles_drawn = base.mark_rect(strokeWidth=1.5).encode(
        color=alt.Color("gain:Q", scale=scale, legend=None), stroke=frame
    )
    texts = base.mark_text(fontSize=12).encode(text="text:N", color=text_colour)
    return (tiles_drawn + texts).properties(height=alt.Step(30))


def _row(tile: Tile) -> dict[str, Any]:
    cell = tile.cell
    metric, estimate = cell.entry.metric, cell.entry.estimate
    better = 1.0 if higher_is_better(metric) else -1.0
    evident = cell.against is not None and cell.against.is_evident
    mark = (" ▲" if is_gain(cell) else " ▼") if evident else ""
    return {
        "row": tile.row,
        "target": tile.target,
        "metric": metric,
        "text": f"{format_value(metric, estimate.value)}{mark}",
        "home": bool(in_domain_text(cell)),
        "value": f"{format_value(metric, estimate.value, unit=True)} "
        f"({format_value(metric, estimate.low)} to {format_value(metric, estimate.high)})",
        "against": change_text(metric, cell.against) or "-",
        "gap": change_text(metric, cell.gap) or "-",
        "gain": 0.0 if cell.against is None else better * cell.against.value,
    }
