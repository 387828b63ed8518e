"""The figure of an adaptation: what is gained against what is forgotten, along the line between before and after."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.adaptation.curve import CurvePoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#666666"


def curve_figure(points: Sequence[CurvePoint], chosen: CurvePoint, tolerance: float) -> "Figure":
    """Validation of each alpha; without datasets to retain, against alpha itself.

    Args:
        points: Ascending alphas.
        chosen: One of them.
        tolerance: How much may be lost, 0..1.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 4.2), layout="constrained")
    axes = figure.add_subplot()
    before = points[0]
    has_retention = before.retention is not None
    x = [100 * point.retention if point.retention is not None else point.alpha for point in points]
    y = [100 * point.in_domain for point in points]
    axes.plot(x, y, "o-", color=_BLUE, markersize=4)
    for i in sorted({0, len(points) - 1, points.index(chosen)}):
        axes.annotate(f"{points[i].alpha:g}", (x[i], y[i]), textcoords="offset points", xytext=(6, 5), fontsize=9)
    i = points.index(chosen)
    axes.plot(x[i], y[i], "o", color=_ORANGE, markersize=9, fillstyle="none", markeredgewidth=2, label="chosen")
    if has_retention and before.retention is not None:
        axes.axvline(100 * (before.retention - tolerance), color=_GREY, linestyle="--", linewidth=1, label="tolerance")
    axes.set_xlabel("must not be forgotten, validation %" if has_retention else "alpha")
    axes.set_ylabel("what it is for, validation %")
    axes.legend(frameon=False, fontsize=9)
    return figure
