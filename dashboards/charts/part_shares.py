"""How often a run is right on each part of the test items, with the line of chance."""

from collections.abc import Sequence

import altair as alt

from dashboards.charts.axes import GREY, items_link, metric_axis, names_axis, records
from dashboards.views.examples import PartShare
from workbench.formatting import format_count, format_share
from workbench.reports.colours import FIRST


def part_chart(parts: Sequence[PartShare], name: str, run_id: str = "") -> alt.LayerChart:
    """A point a part with its 95 % interval, the worst at the top; a tick is what guessing would reach.

    Args:
        parts: The worst first; at least one.
        name: What they are parts by.
        run_id: The run that the items are of; a part opens its items.
    """
    rows = [
        {
            "part": part.value,
            "url": items_link(run_id, show="all", **{name.removesuffix(" class"): part.value}),
            "share": part.share,
            "low": part.low,
            "high": part.high,
            "chance": part.chance,
            "value_text": format_share(part.share),
            "span": f"{format_share(part.low)} to {format_share(part.high)}",
            "items": format_count(part.count),
            "chance_text": "-" if part.chance is None else format_share(part.chance),
        }
        for part in parts
    ]
    base = alt.Chart(records(rows)).encode(
        y=alt.Y("part:N", sort=[part.value for part in parts], title=name, axis=names_axis(180)),
        tooltip=[
            alt.Tooltip("part:N", title=name), alt.Tooltip("value_text:N", title="right"),
            alt.Tooltip("span:N", title="95 % interval"), alt.Tooltip("chance_text:N", title="guessing"),
            alt.Tooltip("items:N"),
        ],
    )  # fmt: skip
    if run_id:
        base = base.encode(href="url:N")
    axis = alt.X("low:Q", title="right", axis=metric_axis("accuracy"), scale=alt.Scale(domain=[0, 1]))
    layers = [
        base.mark_rule(strokeWidth=3, opacity=0.55, color=FIRST).encode(x=axis, x2="high:Q"),
        base.mark_point(filled=True, size=80, opacity=1, color=FIRST).encode(x="share:Q"),
    ]
    if any(part.chance is not None for part in parts):
        layers.append(base.mark_tick(thickness=3, size=18, color=GREY).encode(x="chance:Q"))
    return alt.layer(*layers).properties(height=alt.Step(24))
