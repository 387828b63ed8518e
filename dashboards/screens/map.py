"""A map of the images' features: what is alike lies together, and a line about some points shows their images."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboards.address import choose, choose_some
from dashboards.charts.projection import Projection, lasso_chart, projection_chart
from dashboards.figure import offer_figure
from dashboards.session import Session, key_of
from dashboards.text import escaped, runs_caption
from dashboards.views.projections import (
    Gathered,
    colourings,
    gather,
    installed_methods,
    most_frequent,
    project,
)
from dashboards.widgets import choose_dataset, choose_run, follow_run, picture_grid
from workbench.arrays import FloatArray
from workbench.datasets import Dataset
from workbench.datasets.roles import SplitChoice
from workbench.errors import WorkbenchError
from workbench.features import FeatureStore
from workbench.formatting import counted, format_count
from workbench.models import Encoder
from workbench.reports.colours import CATEGORIES
from workbench.tasks import Example
from workbench.tracking import RunResult

_SPLITS: tuple[SplitChoice, ...] = ("test", "train", "val", "all")
_SHOWN = 60
_HOW = {
    "UMAP": "UMAP of pooled features by cosine: neighbours stay neighbours, distances between clusters mean little.",
    "t-SNE": "t-SNE of the first 50 principal components: neighbours stay neighbours, distances between clusters and "
    "their sizes mean nothing.",
    "PCA": "The first two principal components of pooled features: distances are true as far as two dimensions go.",
}


def show(session: Session) -> None:
    """The page."""
    st.title("Map")
    with_model = [run for run in session.finished if run.model != "none"]
    if not with_model:
        st.info("No finished run used a model, so there are no features to map.")
        return
    follow_run(with_model)
    columns = st.columns(4)
    _, dataset_runs = choose_dataset(with_model, place=columns[0])
    run = choose_run(dataset_runs, place=columns[1])
    split = choose("split", _SPLITS, key="split", place=columns[2])
    methods = installed_methods()
    method = choose("layout by", methods, key="method", place=columns[3])
    st.caption(runs_caption([run]))
    if "UMAP" not in methods:
        st.caption("UMAP is not installed; the extra `maps` brings it: `pip install 'clip-workbench[maps]'`.")
    dataset = session.dataset_of(run)
    encoder: Encoder = _encoder(run.run_id, session, run)
    found: Gathered = _gathered(key_of(dataset), encoder.fingerprint, split, dataset, encoder, session)
    if found.missing:
        st.info(
            f"{counted(found.missing, 'image')} of this split have no stored features with {escaped(run.model)} yet "
            f"and are left out; `workbench embed` computes them."
        )
    if not len(found.rows):
        return
    if found.left_out:
        st.caption(f"{counted(len(found.rows), 'image')} are drawn, picked at random; {found.left_out:,} are not.")
    points: FloatArray = _projected(key_of(dataset), encoder.fingerprint, split, method, found)
    _draw(session, run, dataset, found, points, method)


def _draw(
    session: Session, run: RunResult, dataset: Dataset, found: Gathered, points: FloatArray, method: str
) -> None:  # fmt: skip
    names = dataset.ids(found.rows)
    colours = colourings(dataset, found.rows, _examples(session, run))
    if colours:
        colour_by = choose("colour by", list(colours), key="colour")
        values = colours[colour_by]
    else:
        colour_by, values = "all", ["image"] * len(names)
    chosen: list[str] = []
    if len(set(values)) > len(CATEGORIES):
        chosen = choose_some("coloured", most_frequent(values, len(set(values))), key="coloured")
        st.caption(
            f"{format_count(len(set(values)))} values; coloured are the {len(CATEGORIES)} most frequent, or the first "
            f"{len(CATEGORIES)} that you choose."
        )
    projection = Projection(points, values, names, colour_by, chosen)
    title = f"{run.dataset} by {run.model}, {method}, coloured by {colour_by}"
    event = st.plotly_chart(
        lasso_chart(projection), width="stretch", key="map", on_select="rerun", selection_mode=("lasso", "box"),
        config={"displaylogo": False}, alt=title,
    )  # fmt: skip
    offer_figure(projection_chart(projection), _rows(projection), title)
    st.caption(
        f"{_HOW[method]} Draw a line, or a box, about points to see their images; a double click takes it away. This "
        "takes a pointer; the page Errors filters the test images without one."
    )
    inside = sorted(point["customdata"][0] for point in event["selection"]["points"])
    if inside:
        st.header(f"{counted(len(inside), 'image')} encircled")
        if len(inside) > _SHOWN:
            st.caption(f"The first {_SHOWN} are shown.")
        shown = inside[:_SHOWN]
        picture_grid(
            dataset, [names[i] for i in shown], [values[i] if colours else names[i] for i in shown]
        )  # fmt: skip


def _rows(projection: Projection) -> pd.DataFrame:
    columns = {"image": projection.names, "x": projection.points[:, 0], "y": projection.points[:, 1]}
    return pd.DataFrame(columns | {projection.colour_by: projection.values})


def _examples(session: Session, run: RunResult) -> Sequence[Example]:
    """The run's test items; none where its predictions cannot be read."""
    try:
        return session.examples(run)
    except WorkbenchError as error:
        st.caption(f"Not coloured by right and wrong: {escaped(error)}")
        return ()


@st.cache_resource(max_entries=4, show_spinner="Identifying the model")
def _encoder(run_id: str, _session: Session, _run: RunResult) -> Encoder:  # noqa: ARG001 - part of the key
    return _session.open_run(_run).encoder


@st.cache_resource(max_entries=4, show_spinner="Reading features")
def _gathered(
    key: str, model: str, split: SplitChoice, _dataset: Dataset, _encoder: Encoder, _session: Session  # noqa: ARG001
) -> Gathered:  # fmt: skip
    return gather(_dataset, _encoder, FeatureStore.of(_session.settings), _dataset.rows(split))


@st.cache_resource(max_entries=8, show_spinner="Laying out the map; the first by UMAP takes some seconds longer")
def _projected(key: str, model: str, split: str, method: str, _found: Gathered) -> FloatArray:  # noqa: ARG001
    return project(_found.vectors, method)
