"""The common parts of charts: number formats, axes, and scales that keep a recipe's mark."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import altair as alt

from workbench.metrics.formatting import in_per_cent
from workbench.reports.colours import Mark, apart

_LEGEND_COLUMNS = 2
_LEGEND_LINE = 22
GREY = "#8C8C8C"
"""Lines and texts beside the data; readable on white and on black."""


def metric_axis(metric: str) -> alt.Axis:
    """An axis of a metric. Vega writes its ticks; all other numbers are written here, as text."""
    return alt.Axis(format="~%" if in_per_cent(metric) else "~g")


def names_axis(limit: int) -> alt.Axis:
    """An axis of names: all of them, each at its own line.

    Args:
        limit: Pixels of a name; 0 shows all of it.
    """
    # Streamlit's theme pulls the first and the last label towards the others, beside their lines.
    return alt.Axis(labelLimit=limit, labelOverlap=False, labelFlush=False)


def recipe_colour(recipes: Iterable[str], marks: Mapping[str, Mark], **options: Any) -> alt.Color:
    """Colour by recipe, for those shown; up to ten differ."""
    return alt.Color("recipe:N", scale=_colours(recipes, marks), title=None, **options)


def recipe_outline(recipes: Iterable[str], marks: Mapping[str, Mark]) -> alt.Stroke:
    """The same colours for the outlines of marks, without a legend."""
    return alt.Stroke("recipe:N", scale=_colours(recipes, marks), legend=None)


def _colours(recipes: Iterable[str], marks: Mapping[str, Mark]) -> alt.Scale:
    names = sorted(set(recipes))
    colours = apart(names, marks)
    return alt.Scale(domain=names, range=[colours[name] for name in names])


def recipe_shape(recipes: Iterable[str], marks: Mapping[str, Mark], **options: Any) -> alt.Shape:
    """Shape by recipe, for those shown."""
    names = sorted(set(recipes))
    scale = alt.Scale(domain=names, range=[marks[name].shape for name in names])
    return alt.Shape("recipe:N", scale=scale, title=None, **options)


def below() -> alt.Legend:
    """A legend below the chart, which leaves a narrow screen its width."""
    # Lines and bars of a chart would be drawn about the symbols, too, dashed and pale.
    return alt.Legend(
        orient="bottom", columns=_LEGEND_COLUMNS, labelLimit=220,
        symbolDash=[1, 0], symbolStrokeWidth=0, symbolOpacity=1,
    )  # fmt: skip


def height_with_legend(entries: Iterable[str], plot: int = 320) -> int:
    """The height of a chart in pixels whose legend is `below`: the legend is part of it, and the plot keeps its own."""
    return plot + _LEGEND_LINE * -(-len(set(entries)) // _LEGEND_COLUMNS)


def link_to(run_id: str) -> str:
    """The page of a run, for points and bars that open it."""
    return f"run?run={run_id}"


def items_link(run_id: str, **query: str) -> str:
    """The page of some of a run's test items.

    Args:
        run_id: The run.
        query: The filters of that page, by their names in its address.
    """
    return f"errors?{urlencode({'run': run_id, **query})}"


def records(rows: Iterable[Mapping[str, Any]]) -> alt.Data:
    """Rows as inline data."""
    return alt.Data(values=[dict(row) for row in rows])
