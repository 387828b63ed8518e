"""Figures of positive against negative: ROC, precision over recall, and the decision curve, each with its band."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.arrays import AnyArray
from workbench.formatting import format_share
from workbench.metrics.curves import Curve, treat_all
from workbench.texts import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#666666"
_AXES = {
    "roc": ("1 - specificity", "sensitivity"),
    "precision_recall": ("sensitivity (recall)", "PPV (precision)"),
    "net_benefit": ("threshold probability", "net benefit"),
}


def decision_curve_figure(
    curves: Sequence[Curve], positive: AnyArray, names: Sequence[str], points: Sequence[tuple[float, float]] = ()
) -> "Figure":
    """The curves side by side.

    Args:
        curves: See `metrics.curves.decision_curves`.
        positive: bool (n,).
        names: Of the positive classes.
        points: (sensitivity, specificity) of the operating points, marked on the ROC curve.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(curves), 4.2), dpi=100, layout="constrained")
    share = float(positive.mean())
    for axes, curve in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves, strict=True):
        across, up = _AXES[curve.name]
        axes.fill_between(curve.x, curve.low, curve.high, color=_BLUE, alpha=0.2, linewidth=0, label="95 % at each x")
        axes.plot(curve.x, curve.value, color=_BLUE, linewidth=1.4)
        axes.set(xlabel=across, ylabel=up, xlim=(0, 1))
        axes.grid(color="#dddddd", linewidth=0.5)
        if curve.name == "net_benefit":
            axes.plot(curve.x, treat_all(positive), color=_GREY, linestyle="--", linewidth=1, label="treat all")
            axes.axhline(0, color=_GREY, linewidth=1, label="treat none")
            axes.set_ylim(-0.05 * share - 0.01, 1.1 * share)
        else:
            axes.set_ylim(0, 1.01)
            chance = ([0, 1], [0, 1]) if curve.name == "roc" else ([0, 1], [share, share])
            axes.plot(*chance, color=_GREY, linestyle="--", linewidth=1, label="chance")
        if curve.name == "roc" and points:
            x, y = zip(*((1 - specificity, sensitivity) for sensitivity, specificity in points), strict=True)
            axes.plot(x, y, "o", color=_ORANGE, markersize=5, label="chosen on validation")
        axes.legend(fontsize=8, frameon=False)
    title = f"{plain(', '.join(names))[:60]} against the rest: {format_share(share)} of {len(positive)} images"
    figure.suptitle(title, fontsize=10, parse_math=False)
    return figure
