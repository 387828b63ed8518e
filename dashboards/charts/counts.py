"""Numbers of images by class and split."""

from collections.abc import Mapping, Sequence

import altair as alt

from dashboards.charts.axes import below, names_axis, records
from workbench.reports.colours import BASELINE, FIRST, SECOND

_COLOURS = {"train": FIRST, "val": BASELINE, "test": SECOND}


def counts_chart(counts: Mapping[str, Sequence[int]], class_names: Sequence[str]) -> alt.Chart:
    """Stacked bars, the largest class at the top.

    Args:
        counts: By split, in the order of `class_names`.
        class_names: In label order.
    """
    total = {name: sum(counts[split][i] for split in counts) for i, name in enumerate(class_names)}
    order = sorted(total, key=lambda name: (-total[name], name))
    rows = [
        {"class": name, "split": split, "images": int(counts[split][i]), "place": place}
        for place, split in enumerate(counts)
        for i, name in enumerate(class_names)
    ]
    scale = alt.Scale(domain=list(counts), range=[_COLOURS[split] for split in counts])
    return (
        alt.Chart(records(rows))
        .mark_bar()
        .encode(
            x=alt.X("images:Q"),
            y=alt.Y("class:N", sort=order, title=None, axis=names_axis(180)),
            color=alt.Color("split:N", scale=scale, title=None, legend=below()),
            order=alt.Order("place:Q"),
            tooltip=["class:N", "split:N", "images:Q"],
        )
        .properties(height=alt.Step(18))
    )
