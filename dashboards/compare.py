"""Two or more runs on the same test items: paired differences in numbers and words."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from workbench.errors import WorkbenchError
from workbench.runs import FinishedRun
from workbench.runs.comparison import compare_runs, title
from workbench.settings import Settings
from workbench.tracking import RunResult


def show(runs: Sequence[RunResult], settings: Settings) -> None:
    """The page."""
    st.title("Compare")
    finished = [run for run in runs if run.status == "finished"]
    if len(finished) < 2:
        st.info("A comparison needs two finished runs.")
        return
    datasets = sorted({run.dataset for run in finished})
    asked = st.query_params.get("dataset")
    dataset = st.selectbox("dataset", datasets, index=datasets.index(asked) if asked in datasets else 0)
    st.query_params["dataset"] = dataset
    own = {run.run_id: run for run in finished if run.dataset == dataset}
    before = [run_id for run_id in st.query_params.get_all("run") if run_id in own]
    picked = st.multiselect("runs", list(own), default=before, format_func=lambda run_id: title(own[run_id]))
    st.query_params["run"] = picked
    if len(picked) < 2:
        st.info("Pick two or more runs; the first is compared with each of the others.")
        return
    opened = [FinishedRun(own[run_id], settings) for run_id in picked]
    try:
        found = compare_runs(opened[0], opened[1:])
    except WorkbenchError as error:
        st.warning(f"These runs cannot be compared: {error}")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "against": [title(own[each.other]) for each in found],
                f"difference in {found[0].metric}": [each.difference.value for each in found],
                "low": [each.difference.low for each in found],
                "high": [each.difference.high for each in found],
                "p (Holm)": [each.p_corrected for each in found],
            }
        ),
        hide_index=True,
        width="stretch",
    )
    for each in found:
        st.text(each.sentence)
        for mark in each.marks:
            st.caption(mark)
