"""A run's errors, the worst first."""

from collections.abc import Sequence
from typing import TypeVar

import pandas as pd
import streamlit as st

from dashboards.session import Session, picture, row_of
from dashboards.text import escaped, runs_caption
from dashboards.views.nearest import nearest_training_images
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
    _, dataset_runs = choose_dataset(session.finished)
    by_id = {run.run_id: run for run in dataset_runs}
    run = by_id[choose("run", list(by_id), key="run", show=lambda run_id: run_title(by_id[run_id]))]
    st.caption(runs_caption([run]))
    try:
        dataset: Dataset | None = session.dataset_of(run)
    except WorkbenchError as error:
        st.info(f"No pictures: {escaped(error)}")
        dataset = None
    try:
        predictions = session.predictions(run)
        failures = _filtered(predictions.failures())
        for failure in _paged(failures, predictions.failures_are):
            _failure(session, run, dataset, failure)
    except WorkbenchError as error:
        st.info(escaped(error))


def _paged(items: Sequence[T], what: str) -> Sequence[T]:
    """The items of the chosen page."""
    if not items:
        st.success("No mistakes here.")
        return items
    pages = -(-len(items) // _A_PAGE)
    page = st.number_input(f"page of {pages}", 1, pages, 1, key="page", bind="query-params") if pages > 1 else 1
    st.caption(f"{format_count(len(items))} {what}.")
    return items[(page - 1) * _A_PAGE : page * _A_PAGE]


def _filtered(failures: list[Failure]) -> list[Failure]:
    """Failures that have the chosen parts; each choice limits the next one."""
    names = list(dict.fromkeys(name for failure in failures for name in failure.parts))
    columns = st.columns(max(1, len(names)))
    for column, name in zip(columns, names, strict=False):
        values = sorted({failure.parts[name] for failure in failures if name in failure.parts})
        picked = choose(name, [_ANY, *values], key=name.removesuffix(" class"), place=column)
        failures = [failure for failure in failures if picked in {_ANY, failure.parts.get(name)}]
    return failures


def _failure(session: Session, run: RunResult, dataset: Dataset | None, failure: Failure) -> None:
    with st.container(border=True):
        left, right = st.columns([1, 2])
        with right:
            share = f" ({format_share(failure.scores[0][1])})" if failure.scores else ""
            st.markdown(f"**{escaped(failure.title)}**, {escaped(failure.what)}{share}")
            st.caption(escaped(" · ".join([failure.item, *failure.parts.values()])))
            if failure.scores:
                st.dataframe(
                    pd.DataFrame(
                        {
                            "class": [name for name, _ in failure.scores],
                            "per cent": [100 * p for _, p in failure.scores],
                        }
                    ),
                    hide_index=True,
                    column_config={
                        "per cent": st.column_config.ProgressColumn(format="%.1f %%", min_value=0.0, max_value=100.0)
                    },
                )
        if dataset is None or failure.image is None:
            return
        row = row_of(dataset, failure.image)
        shown_picture = picture(dataset, row)
        if shown_picture is not None:
            left.image(shown_picture, alt=failure.image)
        unseen = f" of {run.dataset}, which this run has not seen" if run.trained_on else ""
        if right.toggle(f"Nearest training images{escaped(unseen)}", key=f"near_{row}"):
            _neighbours(session, run, dataset, row)


def _neighbours(session: Session, run: RunResult, dataset: Dataset, row: int) -> None:
    try:
        encoder = session.open_run(run).encoder
        nearest = nearest_training_images(dataset, encoder, FeatureStore.of(session.settings), row)
    except WorkbenchError as error:
        st.info(escaped(error))
        return
    cells = st.container(horizontal=True)
    sentences = dataset.card.in_words(dataset, [neighbour for neighbour, _ in nearest])
    for (neighbour, cosine), words in zip(nearest, sentences, strict=True):
        with cells.container(width=140):
            small = picture(dataset, neighbour, 160)
            if small is not None:
                st.image(small, width=140)
            st.caption(f"{escaped(words)} ({cosine:.2f})")
    st.caption("By cosine of the base model's pooled features, before any adaptation.")
