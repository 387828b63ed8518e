"""Two or more runs on the same test items: what differs, whether it can be trusted, and on which images."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboards.charts.calibration import calibration_chart
from dashboards.charts.confusion import confusion_chart
from dashboards.gallery import gallery
from dashboards.session import Session
from dashboards.text import plain, shown
from dashboards.views.pairs import Pair, agreement, calibration, confusions, kappa, one_right, pair_up, per_class
from dashboards.widgets import choose, choose_dataset, choose_some, run_title, shares_of, table
from workbench.errors import WorkbenchError
from workbench.runs.comparison import Comparison, compare_runs
from workbench.tracking import RunResult

_SHOWN = 24


def show(session: Session) -> None:
    """The page."""
    st.title("Compare")
    if len(session.finished) < 2:
        st.info("A comparison needs two finished runs.")
        return
    _, own = choose_dataset(session.finished)
    by_id = {run.run_id: run for run in own}
    picked = choose_some("runs", list(by_id), key="run", show=lambda run_id: run_title(by_id[run_id]))
    if len(picked) < 2:
        st.info("Pick two or more runs; the first is compared with each of the others.")
        return
    first, *others = [by_id[run_id] for run_id in picked]
    st.caption(shown([first, *others]))
    try:
        found = compare_runs(session.open_run(first), [session.open_run(run) for run in others])
    except WorkbenchError as error:
        st.warning(f"These runs cannot be compared: {plain(error)}")
        return
    _differences(found, others)
    other = others[0]
    if len(others) > 1:
        ids = [run.run_id for run in others]
        other = by_id[choose("in detail against", ids, key="against", show=lambda run_id: run_title(by_id[run_id]))]
    _detail(session, first, other)


def _differences(found: Sequence[Comparison], others: Sequence[RunResult]) -> None:
    st.header("Paired differences")
    rows = pd.DataFrame(
        {
            "against": [run_title(run) for run in others],
            f"difference in {found[0].metric}": [each.difference.value for each in found],
            "low": [each.difference.low for each in found],
            "high": [each.difference.high for each in found],
            "p (Holm)": [each.p_corrected for each in found],
            "test": [each.difference.test for each in found],
        }
    )
    metric = found[0].metric
    table(rows, shares=shares_of(metric, f"difference in {metric}", "low", "high"))
    for each in found:
        st.markdown(plain(each.sentence))
        for mark in each.marks:
            st.warning(plain(mark))


def _detail(session: Session, first: RunResult, other: RunResult) -> None:
    st.header("Side by side")
    st.markdown(f"**A** is {plain(run_title(first))}  \n**B** is {plain(run_title(other))}")
    if first.task != "classification":
        st.info("Side by side are runs of classification; here the paired difference is all there is to see.")
        return
    try:
        pair = pair_up(session.predictions(first), session.predictions(other))
    except WorkbenchError as error:
        st.info(f"No side-by-side view: {plain(error)}")
        return
    part = choose("view", ["agreement", "classes", "confusion", "calibration", "images"], key="view")
    if part == "agreement":
        st.dataframe(agreement(pair), width="content")
        st.caption(f"Cohen's kappa of the predicted classes: {kappa(pair):.2f}, over {len(pair.labels)} images.")
    elif part == "classes":
        shares = ("A", "B", "difference", "low", "high")
        table(_per_class(first.run_id, other.run_id, pair), shares=shares)
        st.caption("Recall of each class; p is corrected by Holm over all classes.")
    elif part == "confusion":
        _confusion(pair)
    elif part == "calibration":
        st.altair_chart(calibration_chart(dict(zip("AB", calibration(pair), strict=True))), width="stretch")
        st.caption("Equal-mass bins with 95 % Wilson intervals; the dashed line is perfect calibration.")
    else:
        _images(session, first, pair)


@st.cache_data(max_entries=32, show_spinner="Comparing class by class")
def _per_class(first: str, other: str, _pair: Pair) -> pd.DataFrame:  # noqa: ARG001 - the key
    return per_class(_pair)


def _confusion(pair: Pair) -> None:
    a, b = confusions(pair)
    for title, matrix, difference in (("A", a, False), ("B", b, False), ("A minus B", a - b, True)):
        st.subheader(title)
        st.altair_chart(confusion_chart(matrix, pair.class_names, difference=difference), width="stretch")


def _images(session: Session, first: RunResult, pair: Pair) -> None:
    side = choose("right is", ["A", "B"], key="right")
    winner = "AB".index(side)
    rows, said = one_right(pair, winner), pair.predicted[1 - winner]
    st.caption(f"{len(rows)} images that only {side} gets right, the other's surest mistakes first.")
    items = [pair.ids[i] for i in rows[:_SHOWN]]
    names = pair.class_names
    captions = [f"{pair.ids[i]}: {names[pair.labels[i]]}, taken for {names[said[i]]}" for i in rows[:_SHOWN]]
    try:
        gallery(session.dataset_of(first), items, captions)
    except WorkbenchError as error:
        st.info(f"No pictures: {plain(error)}")
        st.dataframe(pd.DataFrame({"image": captions}), hide_index=True)
