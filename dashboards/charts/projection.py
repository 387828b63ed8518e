"""Images as points of a map, coloured by what they are: one to draw a line about points, and one for papers."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import altair as alt
import numpy as np
import plotly.graph_objects as go

from dashboards.charts.axes import below, records
from dashboards.views.names import shortened_apart
from dashboards.views.projections import OTHERS, most_frequent
from workbench.arrays import FloatArray
from workbench.reports.colours import CATEGORIES, Mark, category_marks

_GREY = Mark("#A8A8A8", "circle", (1, 0))
_HEIGHT, _SIZE = 520, 7


@dataclass(frozen=True)
class Projection:
    """Points of a map.

    Attributes:
        points: Coordinates (n, 2).
        values: What each is coloured by.
        names: Of the images.
        colour_by: Name of the values.
        chosen: Values that have colours, at most ten; none means the most frequent. All others are grey.
    """

    points: FloatArray
    values: Sequence[str]
    names: Sequence[str]
    colour_by: str
    chosen: Sequence[str] = ()

    @property
    def shown(self) -> list[str]:
        """The value in whose colour each point is drawn, or `OTHERS`."""
        coloured = set(self._coloured)
        return [value if value in coloured else OTHERS for value in self.values]

    @property
    def marks(self) -> dict[str, Mark]:
        """The mark of each of the values shown; what is grey comes first, and so lies below."""
        others = {OTHERS: _GREY} if OTHERS in self.shown else {}
        return others | category_marks(self._coloured)

    @property
    def _coloured(self) -> list[str]:
        # With all values coloured, nothing is left over.
        return list(dict.fromkeys(self.chosen))[: len(CATEGORIES)] or most_frequent(self.values, len(CATEGORIES))


def lasso_chart(projection: Projection) -> go.Figure:
    """The map on which points are encircled; each point's `customdata` begins with its number."""
    shown, marks = np.asarray(projection.shown), projection.marks
    short = shortened_apart(list(marks))
    hidden = {"visible": False, "zeroline": False}
    figure = go.Figure(
        layout={
            "dragmode": "lasso", "height": _HEIGHT, "xaxis": hidden, "yaxis": hidden, "hovermode": "closest",
            "legend": {"orientation": "h", "title": _text(projection.colour_by), "yanchor": "top", "y": 0},
            "margin": {"l": 0, "r": 0, "t": 30, "b": 0},
        }
    )  # fmt: skip
    for (name, mark), in_legend in zip(marks.items(), short, strict=True):
        own = np.flatnonzero(shown == name).tolist()
        figure.add_scatter(
            x=projection.points[own, 0], y=projection.points[own, 1], mode="markers", name=_text(in_legend),
            # Plotly reads tags in all texts.
            customdata=[[i, _text(projection.names[i]), _text(projection.values[i])] for i in own],
            hovertemplate=f"%{{customdata[1]}}<br>{_text(projection.colour_by)}: %{{customdata[2]}}<extra></extra>",
            marker={"color": mark.colour, "symbol": mark.shape, "size": _SIZE, "opacity": 0.8},
            unselected={"marker": {"opacity": 0.25}},
        )  # fmt: skip
    return figure


def projection_chart(projection: Projection) -> alt.Chart:
    """The same map as a figure."""
    points = zip(projection.points, projection.values, projection.shown, projection.names, strict=True)
    rows = [
        {"x": float(x), "y": float(y), "value": value, "shown": shown, "image": name}
        for (x, y), value, shown, name in points
    ]
    marks = projection.marks
    rows.sort(key=lambda row: row["shown"] != OTHERS)
    domain = [*(name for name in marks if name != OTHERS), *([OTHERS] if OTHERS in marks else [])]
    colours, shapes = [marks[name].colour for name in domain], [marks[name].shape for name in domain]
    place, title = alt.Axis(labels=False, ticks=False, grid=False, title=None), projection.colour_by
    return (
        alt.Chart(records(rows))
        .mark_point(filled=True, size=36, opacity=0.8)
        .encode(
            x=alt.X("x:Q", axis=place, scale=alt.Scale(zero=False)),
            y=alt.Y("y:Q", axis=place, scale=alt.Scale(zero=False)),
            color=alt.Color("shown:N", scale=alt.Scale(domain=domain, range=colours), title=title, legend=below()),
            shape=alt.Shape("shown:N", scale=alt.Scale(domain=domain, range=shapes), title=title, legend=below()),
            tooltip=[alt.Tooltip("image:N"), alt.Tooltip("value:N", title=title)],
        )
        .properties(height=_HEIGHT)
    )


def _text(name: str) -> str:
    """A name as Plotly shows it as it is."""
    return escape(name, quote=False)
