"""Values by epoch."""

from collections.abc import Mapping, Sequence

import altair as alt

from dashboards.charts.axes import records
from workbench.reports.colours import FIRST


def history_chart(name: str, points: Sequence[tuple[int, float]]) -> alt.Chart:
    """One value against the epoch.

    Args:
        name: Of the value.
        points: (epoch, value), by epoch.
    """
    rows: list[Mapping[str, float]] = [{"epoch": epoch, "value": value} for epoch, value in points]
    return (
        alt.Chart(records(rows))
        .mark_line(color=FIRST, point=True)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(format="d", tickMinStep=1)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            tooltip=["epoch:Q", "value:Q"],
        )
        .properties(height=180, title=name)
    )
