"""Images as points of a map, coloured by what they are; a box can be drawn about some of them."""

from collections.abc import Sequence

import altair as alt

from dashboards.charts.axes import below, records
from dashboards.views.projections import OTHERS, most_frequent
from workbench.arrays import FloatArray
from workbench.reports.colours import CATEGORIES, category_marks

BOX = "box"
_GREY = "#A8A8A8"


def projection_chart(
    points: FloatArray, values: Sequence[str], names: Sequence[str], colour_by: str, chosen: Sequence[str] = ()
) -> alt.Chart:
    """A point an image.

    Args:
        points: (n, 2).
        values: What each is coloured by; at most ten values have colours, all others are grey.
        names: Of the images, for the tooltip.
        colour_by: Name of the values.
        chosen: Values that have colours; none means the most frequent.
    """
    # With all values coloured, nothing is left over.
    shown = list(dict.fromkeys(chosen))[: len(CATEGORIES)] or most_frequent(values, len(CATEGORIES))
    marks = category_marks(shown)
    rows = [
        {"x": float(x), "y": float(y), "value": value, "shown": value if value in marks else OTHERS, "image": name}
        for (x, y), value, name in zip(points, values, names, strict=True)
    ]
    domain = [*shown, *([OTHERS] if any(row["shown"] == OTHERS for row in rows) else [])]
    colours = [marks[name].colour if name in marks else _GREY for name in domain]
    shapes = [marks[name].shape if name in marks else "circle" for name in domain]
    # What is grey lies below.
    rows.sort(key=lambda row: row["shown"] != OTHERS)
    place = alt.Axis(labels=False, ticks=False, grid=False, title=None)
    return (
        alt.Chart(records(rows))
        .mark_point(filled=True, size=36, opacity=0.8)
        .encode(
            x=alt.X("x:Q", axis=place, scale=alt.Scale(zero=False)),
            y=alt.Y("y:Q", axis=place, scale=alt.Scale(zero=False)),
            color=alt.Color("shown:N", scale=alt.Scale(domain=domain, range=colours), title=colour_by, legend=below()),
            shape=alt.Shape("shown:N", scale=alt.Scale(domain=domain, range=shapes), title=colour_by, legend=below()),
            tooltip=[alt.Tooltip("image:N"), alt.Tooltip("value:N", title=colour_by)],
        )
        .add_params(alt.selection_interval(name=BOX))
        .properties(height=520)
    )
