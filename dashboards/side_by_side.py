"""Two classification runs side by side: agreement, classes, confusion, calibration, images."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboards.address import choose
from dashboards.charts.calibration import calibration_chart
from dashboards.charts.confusion import confusion_chart
from dashboards.figure import show_figure
from dashboards.session import Session
from dashboards.text import escaped
from dashboards.views.side_by_side import (
    SideBySide,
    agreement,
    calibration,
    confusions,
    kappa,
    one_right,
    pair_up,
    per_class,
)
from dashboards.widgets import as_differences, as_p_values, as_values, picture_grid, run_title, table
from workbench.errors import WorkbenchError
from workbench.formatting import counted
from workbench.metrics import CalibrationCurve
from workbench.runs.comparisons.runs import seed_note
from workbench.tasks import ClassPredictions
from workbench.tracking import RunResult

_SHOWN = 24
Sides = tuple[Sequence[RunResult], Sequence[RunResult]]
"""Runs of A and of B, one a seed."""


def show_side_by_side(session: Session, a: RunResult, b: RunResult, sides: Sides, seeds: dict[str, int]) -> None:
    """The two runs on the same images.

    Args:
        session: The rerun.
        a: Run A.
        b: Run B.
        sides: Runs that the recall of classes is averaged over.
        seeds: Run id to the number of seeds that it is one of.
    """
    st.header("Side by side")
    titles = [escaped(run_title(run) + seed_note(run, seeds)) for run in (a, b)]
    st.markdown(f"**A** is {titles[0]}  \n**B** is {titles[1]}")
    try:
        first, other = _class_scores(session, [a, b])
        if first is None or other is None:
            st.info("Side by side are scores of classes; here the paired difference is all there is to see.")
            return
        pair = pair_up(first, other)
    except WorkbenchError as error:
        st.info(f"No side-by-side view: {escaped(error)}")
        return
    part = choose("view", ["agreement", "classes", "confusion", "calibration", "images"], key="view")
    if part == "agreement":
        st.dataframe(agreement(pair), width="content")
        st.caption(
            f"Cohen's kappa of the predicted classes: {kappa(pair):.2f}, over {counted(len(pair.labels), 'image')}."
        )
    elif part == "classes":
        _classes(session, sides, seeds)
    elif part == "confusion":
        _confusion(pair, _labels(a, b), (a.run_id, b.run_id))
    elif part == "calibration":
        curves = dict(zip("AB", calibration(pair), strict=True))
        show_figure(calibration_chart(curves), _as_rows(curves), f"Calibration of {_labels(a, b)}")
        st.caption("Equal-mass bins with 95 % Wilson intervals; the dashed line is perfect calibration.")
    else:
        _images(session, a, pair)


def _classes(session: Session, sides: Sides, seeds: dict[str, int]) -> None:
    rows = _per_class(tuple(tuple(run.run_id for run in runs) for runs in sides), session, sides)
    table(
        rows,
        as_values("sensitivity", "A", "B")
        | as_differences("sensitivity", "difference", "low", "high")
        | as_p_values("p"),
    )
    sides_text = ", ".join(
        f"{side} is the mean of {len(runs)} seeds" if len(runs) > 1 else f"{side} is one run{seed_note(runs[0], seeds)}"
        for side, runs in zip("AB", sides, strict=True)
    )
    st.caption(f"Recall of each class: {sides_text}; p is corrected by Holm over all classes.")


@st.cache_data(max_entries=32, show_spinner="Comparing class by class")
def _per_class(
    ids: tuple[tuple[str, ...], ...], _session: Session, _sides: Sides  # noqa: ARG001 - the key
) -> pd.DataFrame:  # fmt: skip
    a, b = (
        [predictions for predictions in _class_scores(_session, runs) if predictions is not None] for runs in _sides
    )
    return per_class(a, b)


def _class_scores(session: Session, runs: Sequence[RunResult]) -> list[ClassPredictions | None]:
    """Predictions of runs; None for those without scores of classes."""
    run_predictions = (session.predictions(run) for run in runs)
    return [predictions if isinstance(predictions, ClassPredictions) else None for predictions in run_predictions]


def _confusion(pair: SideBySide, labels: str, ids: Sequence[str]) -> None:
    a, b = confusions(pair)
    for title, matrix, run_id in (("A", a, ids[0]), ("B", b, ids[1]), ("A minus B", a - b, "")):
        st.subheader(title)
        rows = pd.DataFrame(matrix, columns=list(pair.class_names)).assign(true=pair.class_names)
        chart = confusion_chart(matrix, pair.class_names, difference=not run_id, run_id=run_id)
        show_figure(chart, rows, f"Confusion of {title}, with {labels}")


def _labels(a: RunResult, b: RunResult) -> str:
    return f"A {a.label} and B {b.label} on {a.dataset}"


def _as_rows(curves: Mapping[str, CalibrationCurve]) -> pd.DataFrame:
    """The points of calibration curves."""
    columns = ("confidence", "accuracy", "low", "high", "count")
    return pd.concat(
        pd.DataFrame({"run": name} | {column: getattr(curve, column) for column in columns})
        for name, curve in curves.items()
    )


def _images(session: Session, a: RunResult, pair: SideBySide) -> None:
    side = choose("right is", ["A", "B"], key="right")
    winner = "AB".index(side)
    rows, wrong_classes = one_right(pair, winner), pair.predicted[1 - winner]
    st.caption(f"{counted(len(rows), 'image')} that only {side} gets right, the other's surest mistakes first.")
    items = [pair.ids[i] for i in rows[:_SHOWN]]
    names = pair.class_names
    captions = [f"{pair.ids[i]}: {names[pair.labels[i]]}, taken for {names[wrong_classes[i]]}" for i in rows[:_SHOWN]]
    try:
        picture_grid(session.dataset_of(a), items, captions)
    except WorkbenchError as error:
        st.info(f"No pictures: {escaped(error)}")
        st.dataframe(pd.DataFrame({"image": captions}), hide_index=True)
