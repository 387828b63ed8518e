"""What a run gets wrong, the worst first."""

from collections.abc import Sequence
from typing import TypeVar

import pandas as pd
import streamlit as st

from dashboards.session import Session, picture, row_of
from dashboards.text import plain, shown
from dashboards.views.neighbours import neighbours
from dashboards.widgets import choose, choose_dataset, run_title
from workbench.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.features import FeatureStore
from workbench.formatting import format_count, format_share
from workbench.tasks import Failure
from workbench.tracking import RunResult

T = TypeVar("T")
_ANY = "any"
_A_PAGE = 8


def show(session: Session) -> None:
    """The page."""
    st.title("Errors")
    _, own = choose_dataset(session.finished)
    by_id = {run.run_id: run for run in own}
    run = by_id[choose("run", list(by_id), key="run", show=lambda run_id: run_title(by_id[run_id]))]
    st.caption(shown([run]))
    try:
        dataset: Dataset | None = session.dataset_of(run)
    except WorkbenchError as error:
        st.info(f"No pictures: {plain(error)}")
        dataset = None
    try:
        predictions = session.predictions(run)
        found = _filtered(predictions.failures())
        for each in _paged(found, predictions.failures_are):
            _one(session, run, dataset, each)
    except WorkbenchError as error:
        st.info(plain(error))


def _paged(found: Sequence[T], what: str) -> Sequence[T]:
    """The items of the chosen page."""
    if not found:
        st.success("No mistakes here.")
        return found
    pages = -(-len(found) // _A_PAGE)
    page = st.number_input(f"page of {pages}", 1, pages, 1, key="page", bind="query-params") if pages > 1 else 1
    st.caption(f"{format_count(len(found))} {what}.")
    return found[(page - 1) * _A_PAGE : page * _A_PAGE]


def _filtered(found: list[Failure]) -> list[Failure]:
    """Those that have the chosen parts; what there is to choose follows from what was chosen before."""
    names = list(dict.fromkeys(name for each in found for name in each.parts))
    columns = st.columns(max(1, len(names)))
    for column, name in zip(columns, names, strict=False):
        values = sorted({each.parts[name] for each in found if name in each.parts})
        picked = choose(name, [_ANY, *values], key=name.removesuffix(" class"), place=column)
        found = [each for each in found if picked in {_ANY, each.parts.get(name)}]
    return found


def _one(session: Session, run: RunResult, dataset: Dataset | None, each: Failure) -> None:
    with st.container(border=True):
        left, right = st.columns([1, 2])
        with right:
            share = f" ({format_share(each.scores[0][1])})" if each.scores else ""
            st.markdown(f"**{plain(each.title)}**, {plain(each.what)}{share}")
            st.caption(plain(" · ".join([each.item, *each.parts.values()])))
            if each.scores:
                st.dataframe(
                    pd.DataFrame(
                        {"class": [name for name, _ in each.scores], "per cent": [100 * p for _, p in each.scores]}
                    ),
                    hide_index=True,
                    column_config={
                        "per cent": st.column_config.ProgressColumn(format="%.1f %%", min_value=0.0, max_value=100.0)
                    },
                )
        if dataset is None or each.image is None:
            return
        row = row_of(dataset, each.image)
        shown_picture = picture(dataset, row)
        if shown_picture is not None:
            left.image(shown_picture, alt=each.image)
        if right.toggle("Nearest training images", key=f"near_{row}"):
            _neighbours(session, run, dataset, row)


def _neighbours(session: Session, run: RunResult, dataset: Dataset, row: int) -> None:
    try:
        encoder = session.open_run(run).encoder
        found = neighbours(dataset, encoder, FeatureStore(session.settings.cache), row)
    except WorkbenchError as error:
        st.info(plain(error))
        return
    cells = st.container(horizontal=True)
    said = dataset.card.in_words(dataset, [near for near, _ in found])
    for (near, cosine), words in zip(found, said, strict=True):
        with cells.container(width=140):
            small = picture(dataset, near, 160)
            if small is not None:
                st.image(small, width=140)
            st.caption(f"{plain(words)} ({cosine:.2f})")
    st.caption("By cosine of the base model's pooled features, before any adaptation.")
