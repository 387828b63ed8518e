"""A verdict's recipes with their intervals, as a picture."""

import io

from workbench.metrics.formatting import format_value, heading, in_per_cent
from workbench.reports._text import plain
from workbench.reports.colours import MARKERS, marks
from workbench.reports.suite.grids import shots_text
from workbench.reports.suite.verdict import Verdict

_GREY = "#777777"


def forest_plot(verdict: Verdict) -> bytes | None:
    """The plot as SVG, best at the top; None where there is nothing to set side by side.

    Recipes that no test tells from the best are full marks, others hollow ones. The majority class is a dotted line.
    """
    import matplotlib
    from matplotlib.figure import Figure

    if len(verdict.places) < 2:
        return None
    unit = 100 if in_per_cent(verdict.metric) else 1
    mark_of = marks(place.label for place in verdict.places)
    # Text is kept as text, and equal figures give equal bytes.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "workbench"}):
        figure = Figure(figsize=(8.6, 1.1 + 0.27 * len(verdict.places)), layout="constrained")
        axes = figure.add_subplot()
        for line, place in enumerate(verdict.places):
            estimate, mark = place.entry.estimate, mark_of[place.label]
            axes.plot(
                [unit * estimate.low, unit * estimate.high], [line, line], color=mark.colour, linewidth=2, alpha=0.6
            )
            face = mark.colour if place.is_tied else "white"
            axes.plot(unit * estimate.value, line, marker=MARKERS[mark.shape], color=mark.colour, markerfacecolor=face)
        if verdict.baseline is not None:
            value = verdict.baseline.estimate.value
            text = f"{verdict.baseline.group.label} {format_value(verdict.metric, value, unit=True)}"
            axes.axvline(unit * value, color=_GREY, linestyle=":", linewidth=1.2, label=plain(text))
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8, frameon=False)
        axes.set_yticks(range(len(verdict.places)), [f"{place.rank}. {plain(place.label)}" for place in verdict.places])
        for tick in axes.get_yticklabels():
            tick.set_parse_math(False)
        axes.set_ylim(len(verdict.places) - 0.5, -0.5)
        axes.set_xlabel(plain(heading(verdict.metric)), parse_math=False)
        title = f"{verdict.dataset}, {shots_text(verdict.shots)}"
        axes.set_title(plain(title), loc="left", fontsize=11, parse_math=False)
        axes.grid(axis="x", color="#e4e4e4", linewidth=0.6)
        axes.spines[["top", "right", "left"]].set_visible(False)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()
