"""One test item in full: its picture, the answers with their scores, and the nearest training images."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboards.address import ask_toggle
from dashboards.session import Session, picture, row_of
from dashboards.text import escaped
from dashboards.views.nearest import nearest_training_images
from dashboards.views.outlines import answer_words, frame_of, marks_of, outlines_of
from workbench.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.features import FeatureStore
from workbench.formatting import format_number
from workbench.tasks import Example, Predictions, ScoredAnswer
from workbench.tracking import RunResult

_LARGE, _SMALL = 1200, 130
_LEGEND = "Green is right; vermilion is what the run chose, where that is wrong."


def show_item(session: Session, run: RunResult, dataset: Dataset | None, example: Example) -> None:
    """The item's picture in full size, and its answers."""
    answers = answers_of(session.predictions(run), dataset, example)
    left, right = st.columns([3, 2])
    row = None if dataset is None or example.image is None else row_of(dataset, example.image)
    with right:
        st.markdown(f"**{escaped(example.title)}**, {escaped(example.what)}")
        st.caption(escaped(" · ".join([example.item, *(f"{name}: {part}" for name, part in example.parts.items())])))
        show_answers(dataset, answers, "item")
        if not answers:
            st.caption("The run's predictions hold no more about this item.")
    if dataset is None or row is None:
        return
    shown = picture(dataset, row, _LARGE, outlines_of(answers))
    if shown is None:
        left.info("unreadable")
    else:
        left.image(shown, alt=example.image)
    unseen = f" of {run.dataset}, which this run has not seen" if run.trained_on else ""
    if ask_toggle(f"Nearest training images{escaped(unseen)}", key="near", place=right):
        _neighbours(session, run, dataset, row)


def answers_of(predictions: Predictions, dataset: Dataset | None, example: Example) -> list[ScoredAnswer]:
    """The answers to an item, with boxes and sentences of the dataset where that is at hand."""
    row = None if dataset is None or example.image is None else row_of(dataset, example.image)
    return predictions.answers(example.place, dataset, row)


def show_answers(dataset: Dataset | None, answers: Sequence[ScoredAnswer], key: str) -> None:
    """Answers that are pictures side by side, right ones outlined; others as bars, or as lines where nothing is scored.

    Args:
        dataset: Where pictures are, if they are at hand.
        answers: The answers, those of the highest scores first.
        key: Of the table among others on the page.
    """
    if not answers:
        return
    if dataset is not None and all(answer.image for answer in answers):
        _pictures(dataset, answers)
    elif any(answer.share is not None for answer in answers):
        _bars(answers, key)
    else:
        for answer in answers:
            # What is right and has no score was not ranked: it is what people wrote.
            side = "reference" if answer.is_right and answer.score is None else answer_words(answer)
            st.markdown(f"{escaped(answer.text)} :gray[{escaped(side)}]")
    if any(answer.box or answer.image for answer in answers):
        st.caption(_LEGEND)


def _bars(answers: Sequence[ScoredAnswer], key: str) -> None:
    rows = pd.DataFrame(
        {
            "mark": [marks_of(answer) for answer in answers],
            "answer": [answer.text for answer in answers],
            "per cent": [None if answer.share is None else 100 * answer.share for answer in answers],
            "score": ["-" if answer.score is None else format_number(answer.score) for answer in answers],
        }
    )
    bar = st.column_config.ProgressColumn(format="%.1f %%", min_value=0.0, max_value=100.0)
    st.dataframe(rows, hide_index=True, column_config={"per cent": bar}, key=f"answers {key}")


def _pictures(dataset: Dataset, answers: Sequence[ScoredAnswer]) -> None:
    """Answers that are images; an image with several texts stands once, with all of them below."""
    cells = st.container(horizontal=True)
    images = list(dict.fromkeys(answer.image for answer in answers if answer.image))
    for image in images:
        own = [answer for answer in answers if answer.image == image]
        with cells.container(width=_SMALL, gap=None):
            frame = frame_of(own[0]) if len(own) == 1 else ()
            shown = picture(dataset, row_of(dataset, image), 2 * _SMALL, frame)
            if shown is None:
                st.caption("unreadable")
            else:
                st.image(shown, width=_SMALL, alt=image)
            for answer in own:
                words = "" if answer.text == image else f" {escaped(answer.text)}"
                st.caption(f"{escaped(answer_words(answer))}{words}")


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
            small = picture(dataset, neighbour, 280)
            if small is not None:
                st.image(small, width=140, alt=words)
            st.caption(f"{escaped(words)} ({cosine:.2f})")
    st.caption("By cosine of the base model's pooled features, before any adaptation.")
