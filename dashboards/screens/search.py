"""Images that fit a sentence, and images and sentences that fit an image."""

from functools import partial

import streamlit as st

from dashboards.address import ask_text, choose, go_to
from dashboards.session import Session, key_of, picture, row_of
from dashboards.text import escaped, runs_caption
from dashboards.views.nearest import nearest_sentences
from dashboards.widgets import choose_dataset
from workbench.datasets import Dataset
from workbench.datasets.roles import SplitChoice
from workbench.errors import WorkbenchError
from workbench.features import FeatureStore
from workbench.formatting import counted, format_count
from workbench.models import Encoder, open_model
from workbench.search import Gallery, SearchResult, nearest_images, open_gallery, parse_line, search_images
from workbench.settings import Settings

_TOP = 18
_SIZE = 160
_SPLITS: tuple[SplitChoice, ...] = ("test", "train", "val", "all")


def show(session: Session) -> None:
    """The page."""
    st.title("Search")
    with_model = [run for run in session.finished if run.model != "none"]
    if not with_model:
        st.info("No finished run used a model, so there are no features to search in.")
        return
    columns = st.columns(3)
    _, dataset_runs = choose_dataset(with_model, place=columns[0])
    model = choose("model", sorted({run.model for run in dataset_runs}), key="model", place=columns[1])
    run = next(run for run in dataset_runs if run.model == model)
    st.caption(f"With the features that this run used: {runs_caption([run])}")
    dataset = session.dataset_of(run)
    split = choose("split", _SPLITS, key="split", place=columns[2])
    encoder = _encoder(model, run.tags.get("precision", "auto"), session.settings)
    gallery = _ready(session, dataset, encoder, split)
    if gallery is not None:
        _search(dataset, encoder, gallery)


def _search(dataset: Dataset, encoder: Encoder, gallery: Gallery) -> None:
    words = ask_text(
        "sentence", key="q", drops=("like",), placeholder="a bird eating red fruit",
        help='Weighted sentences in quotes: 2 "red fruit" + "a bird" - 0.5 "a branch"',
    )  # fmt: skip
    like = ask_text("or like this image (an id)", key="like")
    try:
        if like:
            _like(dataset, encoder, gallery, like)
        elif words:
            _results(dataset, search_images(gallery, parse_line(words), _TOP))
        else:
            st.caption(f"{counted(len(gallery), 'image')} can be searched.")
    except WorkbenchError as error:
        st.warning(escaped(error))


def _like(dataset: Dataset, encoder: Encoder, gallery: Gallery, item: str) -> None:
    row = row_of(dataset, item)
    left, right = st.columns([1, 3])
    query_picture = picture(dataset, row)
    if query_picture is not None:
        left.image(query_picture, alt=item)
    right.markdown("**Nearest sentences**")
    for sentence, cosine in nearest_sentences(dataset, encoder, gallery.store, row, gallery.rows):
        right.markdown(f"{cosine:.3f} {escaped(sentence)}")
    _results(dataset, nearest_images(gallery, row, _TOP))


def _results(dataset: Dataset, hits: SearchResult) -> None:
    cells = st.container(horizontal=True)
    for row, score, name in zip(hits.rows.tolist(), hits.scores.tolist(), hits.ids, strict=True):
        with cells.container(width=_SIZE):
            small = picture(dataset, row, 200)
            if small is not None:
                st.image(small, width=_SIZE, alt=name)
            (words,) = dataset.card.in_words(dataset, [row])
            st.caption(f"{score:.3f} {escaped(words)}")
            st.button("like this", key=f"like_{row}", on_click=partial(go_to, like=name), help=escaped(name))


def _ready(session: Session, dataset: Dataset, encoder: Encoder, split: SplitChoice) -> Gallery | None:
    """The gallery; missing features are computed when the button is pressed."""
    store = FeatureStore.of(session.settings)
    rows = dataset.rows(split)
    missing = int((~store.images(encoder).find(dataset.hashes(rows)).found).sum())
    if missing and not st.button(f"Compute the features of {counted(missing, 'image')}"):
        st.info(
            f"{format_count(missing)} of {format_count(len(rows))} images of this split have no stored features with "
            "this model yet."
        )
        return None
    with st.spinner("Opening the images"):
        gallery: Gallery = _gallery(key_of(dataset), encoder.fingerprint, split, dataset, encoder, session.settings)
    for name, reason in gallery.unreadable:
        st.caption(f"left out: {escaped(name)}: {escaped(reason)}")
    return gallery


@st.cache_resource(max_entries=8, show_spinner=False)
def _gallery(
    key: str, model: str, split: SplitChoice, _dataset: Dataset, _encoder: Encoder, _settings: Settings  # noqa: ARG001
) -> Gallery:  # fmt: skip
    return open_gallery(_dataset, _encoder, FeatureStore.of(_settings), split)


@st.cache_resource(max_entries=4, show_spinner="Identifying the model")
def _encoder(argument: str, precision: str, _settings: Settings) -> Encoder:
    try:
        return open_model(argument, _settings.model_copy(update={"precision": precision}))
    except WorkbenchError as error:
        raise WorkbenchError(f"model {argument!r} cannot be opened here: {error}") from error
