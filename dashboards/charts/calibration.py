"""Calibration curves of two runs."""

from collections.abc import Mapping

import altair as alt

from dashboards.charts.axes import GREY, below, records
from workbench.formatting import format_share
from workbench.metrics import CalibrationCurve
from workbench.reports.colours import FIRST, SECOND


def calibration_chart(curves: Mapping[str, CalibrationCurve]) -> alt.LayerChart:
    """Accuracy against confidence with Wilson intervals; the diagonal is perfect calibration.

    Args:
        curves: One or two, by name.
    """
    rows = [
        {
            "run": name,
            "confidence": float(curve.confidence[i]),
            "accuracy": float(curve.accuracy[i]),
            "low": float(curve.low[i]),
            "high": float(curve.high[i]),
            "images": float(curve.count[i]),
            "value_text": format_share(float(curve.accuracy[i])),
            "confidence_text": format_share(float(curve.confidence[i])),
        }
        for name, curve in curves.items()
        for i in range(len(curve.count))
    ]
    diagonal = (
        alt.Chart(records([{"x": 0, "y": 0}, {"x": 1, "y": 1}]))
        .mark_line(color=GREY, strokeDash=[4, 4])
        .encode(x="x:Q", y="y:Q")
    )
    unit = alt.Scale(domain=[0, 1])
    x = alt.X("confidence:Q", title="confidence", scale=unit, axis=alt.Axis(format=".0%"))
    y = alt.Y("accuracy:Q", title="accuracy", scale=unit, axis=alt.Axis(format=".0%"))
    scale = alt.Scale(domain=list(curves), range=[FIRST, SECOND][: len(curves)])
    base = alt.Chart(records(rows)).encode(
        x=x,
        color=alt.Color("run:N", scale=scale, title=None, legend=below()),
        tooltip=[
            "run:N",
            alt.Tooltip("confidence_text:N", title="confidence"),
            alt.Tooltip("value_text:N", title="accuracy"),
            "images:Q",
        ],
    )
    spans = base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q", title="accuracy"), y2="high:Q")
    lines = base.mark_line(point=alt.OverlayMarkDef(filled=True, size=45)).encode(
        y=y, shape=alt.Shape("run:N", legend=None)
    )
    return (diagonal + spans + lines).properties(height=340)
