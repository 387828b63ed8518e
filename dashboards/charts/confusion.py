"""Confusion matrices, and the difference of two."""

from collections.abc import Sequence

import altair as alt
import numpy as np

from dashboards.charts.axes import items_link, records
from workbench.arrays import AnyArray
from workbench.formatting import format_share
from workbench.metrics.formatting import format_difference

_SHOWN = {True: "right", False: "wrong"}
"""What the page of test items calls those on the diagonal and the others."""


def confusion_chart(
    matrix: AnyArray, class_names: Sequence[str], *, difference: bool = False, run_id: str = ""
) -> alt.LayerChart:
    """A matrix of shares of the true class.

    Args:
        matrix: (c, c); in -1..1 where it is a difference.
        class_names: In label order.
        difference: Two-sided colours with white at zero.
        run_id: The run that a cell's items are of; a cell opens them.
    """
    names = _numbered(class_names)
    # Empty cells make up nearly all of a large matrix, and are the background.
    rows = [
        {
            "true": names[i],
            "predicted": names[j],
            "share": share,
            "url": items_link(
                run_id, show="right" if i == j else "wrong", true=class_names[i], predicted=class_names[j]
            ),
            **_cell_texts(share, difference),
        }
        for i, j in np.argwhere(matrix != 0)
        for share in [float(matrix[i, j])]
    ]
    scale = alt.Scale(scheme="blueorange", domain=[1, -1]) if difference else alt.Scale(scheme="blues", domain=[0, 1])
    many = len(names) > 30
    axis = alt.Axis(labels=not many, ticks=not many, labelLimit=110, labelFlush=False)
    base = alt.Chart(records(rows)).encode(
        x=alt.X("predicted:N", sort=names, scale=alt.Scale(domain=names), axis=axis),
        y=alt.Y("true:N", sort=names, scale=alt.Scale(domain=names), axis=axis),
        tooltip=["true:N", "predicted:N", alt.Tooltip("value_text:N", title="difference" if difference else "share")],
    )
    if run_id:
        base = base.encode(href="url:N")
    layers = [base.mark_rect().encode(color=alt.Color("share:Q", scale=scale, legend=None))]
    if len(names) <= 12:
        dark = "abs(datum.share) > 0.5"
        layers.append(
            base.mark_text(fontSize=10).encode(
                text=alt.Text("short:N"),
                color=alt.condition(dark, alt.value("white"), alt.value("black")),
            )
        )
    return alt.layer(*layers).properties(height=max(260, min(560, 28 * len(names))))


def _cell_texts(share: float, difference: bool) -> dict[str, str]:
    """A cell's text for the tooltip, and a short one for the cell."""
    if difference:
        words = format_difference("accuracy", share)
        return {"value_text": words, "short": words.removesuffix(" points")}
    return {"value_text": format_share(share), "short": format_share(share, 0)}


def _numbered(names: Sequence[str]) -> list[str]:
    """Names shortened, and still different from each other."""
    short = [name if len(name) <= 24 else f"{name[:23]}…" for name in names]
    return [name if short.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(short)]
