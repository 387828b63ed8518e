"""Figures of a run: confusion matrix and reliability diagram.

Built on `matplotlib.figure.Figure` without pyplot, so that threads and notebooks do not meet in global state. Colours
are one hue from light to dark, and those of Okabe and Ito (2008), which colour-blind people can distinguish.
"""

import functools
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import WorkbenchError
from workbench.formatting import format_share
from workbench.metrics import calibration_curve, confusion_matrix, softmax
from workbench.metrics.functional import BinSums, calibration_error, ones
from workbench.texts import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#666666"
_COUNTS_UP_TO, _NUMBERS_UP_TO, _NAMES_UP_TO = 10, 25, 150
_LONGEST_NAME, _WORST_PAIRS = 28, 20
# Mean width of a letter in inches for each point of its size.
_LETTER = 0.0082


def confusion_matrix_figure(labels: AnyArray, predicted: AnyArray, class_names: Sequence[str]) -> "Figure":
    """The confusion matrix, each row normalised by the number of images of its true class.

    Up to 10 classes a cell holds per cent and count, up to 25 per cent. With more it is colour alone, rows and columns
    are numbered (rows also named, up to 150 classes), and the most frequent confusions are listed beside it. Rows of
    classes without a test image are grey.

    Args:
        labels: int64 (n,).
        predicted: int64 (n,).
        class_names: In label order.

    Raises:
        WorkbenchError: A label or prediction has no name.
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    n_classes = len(class_names)
    for what, values in (("label", labels), ("prediction", predicted)):
        if len(values) and not 0 <= np.min(values) <= np.max(values) < n_classes:
            raise WorkbenchError(f"confusion matrix: a {what} is outside of the {n_classes} class names.")
    counts = confusion_matrix(labels, predicted, n_classes)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.ma.masked_array(counts / np.maximum(totals, 1), mask=np.broadcast_to(totals == 0, counts.shape))
    names, many = [_short(name) for name in class_names], n_classes > _NUMBERS_UP_TO
    worst = ["Most frequent confusions, true > predicted", "", *_worst_pairs(counts, names)] if many else []

    cell, size = _geometry(n_classes)
    side = n_classes * cell
    longest = max(map(len, names), default=0) if n_classes <= _NAMES_UP_TO else 0
    left = 0.4 + _LETTER * size * (longest + (5 if many else 0))
    foot = 0.6 if many else left
    panel = 1.0 + _LETTER * 7 * max(map(len, worst), default=0)
    width, height = left + side + panel, foot + side + 0.45
    figure = Figure(figsize=(width, height), dpi=100)
    axes = figure.add_axes((left / width, foot / height, side / width, side / height))
    # With many classes most cells are a few per cent at most: the square root keeps those visible.
    norm = PowerNorm(0.5 if many else 1.0, vmin=0, vmax=1)
    image = axes.imshow(shares, cmap=_colours(), norm=norm, interpolation="nearest", aspect="auto")
    _name_classes(axes, names, size, many)
    axes.set_title(f"true ↓  predicted →   {len(labels)} images, rows sum to 100 %", loc="left", fontsize=9)
    bar = figure.add_axes(((left + side + 0.12) / width, foot / height, 0.12 / width, side / height))
    figure.colorbar(image, cax=bar, format=lambda value, _: format_share(value, 0))
    if many:
        place = ((left + side + 0.85) / width, (foot + side) / height)
        figure.text(*place, "\n".join(worst), va="top", fontsize=7, parse_math=False, fontfamily=_families())
    else:
        _write_cells(axes, counts, shares)
    return figure


def reliability_figure(scores: AnyArray, labels: AnyArray) -> "Figure":
    """The reliability diagram: accuracy against confidence over equal-mass bins, and where the confidences lie.

    Args:
        scores: Logits (n, c); the top class's probability is shown.
        labels: int64 (n,).
    """
    from matplotlib.figure import Figure

    confidence, outcome = softmax(scores).max(axis=1), np.argmax(scores, axis=1) == labels
    curve = calibration_curve(confidence, outcome)
    ece = max(0.0, float(calibration_error(*BinSums(confidence, outcome)(ones(len(confidence))))[0]))
    figure = Figure(figsize=(4.6, 5.4), dpi=100)
    axes = figure.add_axes((0.15, 0.33, 0.81, 0.57))
    below = figure.add_axes((0.15, 0.1, 0.81, 0.19), sharex=axes)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    # Rounding can put an interval's end past the value by the last digit.
    errors = np.maximum([curve.accuracy - curve.low, curve.high - curve.accuracy], 0)
    axes.errorbar(
        curve.confidence, curve.accuracy, yerr=errors, color=_BLUE, marker="o", markersize=4, linewidth=1.2,
        capsize=2, label="observed, 95 % interval",
    )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1.01), ylabel="accuracy")
    axes.set_title(f"Reliability   ECE (debiased) {format_share(ece)}", fontsize=10, pad=22, parse_math=False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 0.99), ncols=2, fontsize=8, frameon=False)
    axes.grid(color="#dddddd", linewidth=0.5)
    axes.tick_params(labelbottom=False)
    below.hist(np.ravel(confidence), bins=np.linspace(0, 1, 31).tolist(), color=_ORANGE)
    below.set(xlabel="confidence", ylabel="images")
    return figure


def png_bytes(figure: "Figure") -> bytes:
    """The figure as PNG; equal figures give equal bytes."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        # A class name in a script that no installed font has is drawn as boxes; no warning is needed.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def save_png(figure: "Figure", path: Path) -> None:
    """Write the figure as PNG."""
    path.write_bytes(png_bytes(figure))


def _geometry(n_classes: int) -> tuple[float, float]:
    """Side of a cell in inches and size of class names in points."""
    if n_classes <= _COUNTS_UP_TO:
        return max(0.62, 3.0 / max(n_classes, 1)), 9.0
    if n_classes <= _NUMBERS_UP_TO:
        return 0.36, 8.0
    # A name's line height bounds the cell from below; without names the figure grows no further.
    return min(max(0.12, min(0.2, 12 / n_classes)), 0.12 * _NAMES_UP_TO / n_classes), 6.0


def _name_classes(axes: "Axes", names: Sequence[str], size: float, many: bool) -> None:
    style: dict[str, Any] = {"fontsize": size, "parse_math": False, "fontfamily": _families()}
    axes.tick_params(length=2)
    if not many:
        axes.set_xticks(range(len(names)), names, rotation=90, **style)
        axes.set_yticks(range(len(names)), names, **style)
        return
    if len(names) > _NAMES_UP_TO:
        return
    # Plain texts: ticks are slow by the hundred.
    axes.set_yticks([])
    for row, name in enumerate(names):
        axes.text(-1, row, f"{name}  {row}", ha="right", va="center", **style)


def _write_cells(axes: "Axes", counts: AnyArray, shares: AnyArray) -> None:
    with_counts = len(counts) <= _COUNTS_UP_TO
    for row, column in np.argwhere(counts > 0):
        share = float(shares[row, column])
        text = (
            f"{format_share(share, 0)}\n{counts[row, column]}"
            if with_counts
            else format_share(share, 0).removesuffix(" %")
        )
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)


def _worst_pairs(counts: AnyArray, names: Sequence[str]) -> list[str]:
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_WORST_PAIRS]
    cells = [divmod(int(cell), len(names)) for cell in order]
    totals = counts.sum(axis=1)
    return [f"{wrong[i, j]} of {totals[i]}  {names[i]} > {names[j]}" for i, j in cells if wrong[i, j]] or ["none"]


def _short(name: str) -> str:
    line = plain(name)
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"


def _colours() -> Any:
    from matplotlib import colormaps

    return colormaps["Blues"].with_extremes(bad="#c8c8c8")


@functools.cache
def _families() -> list[str]:
    """DejaVu Sans, then the installed fonts for further scripts."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    more = ("Noto Sans CJK JP", "Noto Sans", "Hiragino Sans", "Yu Gothic", "Microsoft YaHei", "Arial Unicode MS")
    return ["DejaVu Sans", *(name for name in more if name in installed)]
