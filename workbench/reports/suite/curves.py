"""Shot curves: a recipe's mean over seeds against the number of shots."""

import io
from typing import TYPE_CHECKING, Any

from workbench.metrics import higher_is_better
from workbench.metrics.formatting import heading, in_per_cent
from workbench.reports._text import plain
from workbench.reports.colours import MARKERS, Mark, marks
from workbench.reports.suite.grids import WITHOUT, GridCell, ShotsGrid
from workbench.tasks import installed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GREY = "#777777"


def shot_curves(grid: ShotsGrid) -> bytes | None:
    """The curves as SVG; None with fewer than two numbers of shots.

    Bars are standard deviations over seeds. Recipes without shots are dashed lines; the majority class and chance
    are dotted ones.
    """
    import matplotlib
    from matplotlib.figure import Figure

    shots = [column for column in grid.columns if column != WITHOUT]
    if len(shots) < 2:
        return None
    # Text is kept as text, and equal figures give equal bytes.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "workbench"}):
        figure = Figure(figsize=(8.6, 4.8))
        axes = figure.add_axes((0.08, 0.12, 0.58, 0.8))
        mark_of = marks(grid.rows)
        curves = [(label, cells) for label, cells in grid.rows.items() if WITHOUT not in cells]
        for i, (label, cells) in enumerate(curves):
            _curve(axes, grid, shots, label, cells, i, mark_of[label])
        for label, cells in grid.rows.items():
            if WITHOUT in cells:
                value = _shown(grid, cells[WITHOUT].entry.estimate.value)
                style = ":" if label == grid.baseline else "--"
                axes.axhline(value, color=_GREY, linestyle=style, linewidth=1.2, label=plain(label))
        if grid.chance is not None:
            axes.axhline(_shown(grid, grid.chance), color=_GREY, linestyle=":", linewidth=1.2, label="blind guess")
        axes.set_xticks(range(len(shots)), shots)
        task = installed(grid.task)
        axes.set_xlabel(task.shots_are if task is not None else "shots")
        direction = "" if higher_is_better(grid.metric) else " (lower is better)"
        axes.set_ylabel(plain(heading(grid.metric)) + direction, parse_math=False)
        axes.set_title(plain(grid.dataset), loc="left", fontsize=11, parse_math=False)
        axes.grid(color="#e4e4e4", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        legend = axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8, frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _curve(
    axes: "Axes", grid: ShotsGrid, shots: list[str], label: str, cells: dict[str, GridCell], number: int, mark: Mark
) -> None:
    at = [i for i, column in enumerate(shots) if column in cells]
    entries = [cells[shots[i]].entry for i in at]
    # Recipes at the same shots would hide each other's bars.
    moved = [i + 0.018 * (number % 7 - 3) for i in at]
    style: dict[str, Any] = {"color": mark.colour, "marker": MARKERS[mark.shape]}
    style |= {"linestyle": (0, mark.dash)} if mark.dash[1] else {}
    axes.errorbar(
        moved, [_shown(grid, entry.estimate.value) for entry in entries],
        yerr=[_shown(grid, entry.spread) if len(entry.by_seed) > 1 else 0.0 for entry in entries],
        linewidth=1.4, markersize=4, elinewidth=0.8, capsize=2, label=plain(label), **style,
    )  # fmt: skip


def _shown(grid: ShotsGrid, value: float) -> float:
    return 100 * value if in_per_cent(grid.metric) else value
