"""Test items as a dense grid of pictures, or as a list with their answers."""

from collections.abc import Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards.address import choose, choose_page, go_to
from dashboards.item import answers_of, show_answers
from dashboards.session import Session, picture, row_of
from dashboards.text import escaped
from dashboards.views.examples import values_of
from dashboards.views.outlines import outlines_of
from workbench.datasets import Dataset
from workbench.formatting import counted, format_count, format_share
from workbench.tasks import Example, Predictions, ScoredAnswer
from workbench.tracking import RunResult

_CELL, _LISTED, _NAME = 150, 280, 18
_PAGE_SIZES = (24, 48, 96)
_BESIDE = 5
"""Items of each value where values are side by side."""


def show_gallery(
    session: Session,
    run: RunResult,
    dataset: Dataset | None,
    examples: Sequence[Example],
    everything: Sequence[Example],
    names: Sequence[str],
) -> None:
    """The items, page by page, or some of each part side by side.

    Args:
        session: The rerun.
        run: Whose items they are.
        dataset: Where the pictures are, if they are at hand.
        examples: The items to show.
        everything: All of the run's items, of which each part's share of right ones is said.
        names: Parts that they can be set side by side by.
    """
    predictions = session.predictions(run)
    left, middle, right, counter = st.columns(4)
    as_list = _has_pictures_as_answers(predictions, examples) or all(each.image is None for each in examples)
    layouts = ["list", "grid"] if as_list else ["grid", "list"]
    layout = choose("layout", layouts, key="layout", place=left)
    beside = choose("side by side", ["no", *names], key="beside", place=middle) if names else "no"
    show = partial(_list if layout == "list" else _grid, predictions, dataset)
    if beside != "no":
        for value in values_of(examples, beside):
            part = [each for each in examples if each.parts.get(beside) == value]
            st.subheader(escaped(value))
            whole = [each for each in everything if each.parts.get(beside) == value]
            st.caption(f"{_count(whole)}. Shown are {min(_BESIDE, len(part))} of {format_count(len(part))}.")
            show(part[:_BESIDE])
        return
    size = choose("on a page", _PAGE_SIZES, key="size", drops=("page",), place=right)
    show(_page(examples, size, counter))


def tag(example: Example) -> str:
    """Right or wrong, in a sign and a colour; nothing where there is no right and wrong."""
    if example.is_right is None:
        return ""
    return ":green-badge[✓ right]" if example.is_right else ":orange-badge[✗ wrong]"


def _page(examples: Sequence[Example], size: int, place: DeltaGenerator) -> Sequence[Example]:
    page = choose_page(-(-len(examples) // size), place=place)
    return examples[(page - 1) * size : page * size]


def _count(examples: Sequence[Example]) -> str:
    judged = [each for each in examples if each.is_right is not None]
    if not judged:
        return counted(len(examples), "item")
    return f"{format_count(sum(bool(each.is_right) for each in judged))} of {counted(len(judged), 'item')} right"


def _has_pictures_as_answers(predictions: Predictions, examples: Sequence[Example]) -> bool:
    return any(answer.image for each in examples[:1] for answer in predictions.answers(each.place))


def _grid(predictions: Predictions, dataset: Dataset | None, examples: Sequence[Example]) -> None:
    cells = st.container(horizontal=True, gap="small")
    for example in examples:
        answers = answers_of(predictions, dataset, example)
        with cells.container(width=_CELL, gap=None):
            _cell_picture(dataset, example, answers, _CELL)
            title = "" if example.title == example.image else f"**{_cut(example.title, 60)}** "
            st.caption(f"{tag(example)} {title}{_cut(_what(example, answers), 90)}")
            _opener(example)


def _list(predictions: Predictions, dataset: Dataset | None, examples: Sequence[Example]) -> None:
    for example in examples:
        answers = answers_of(predictions, dataset, example)
        with st.container(border=True):
            words = st.container()
            if example.image and dataset:
                left, words = st.columns([1, 2])
                with left:
                    _cell_picture(dataset, example, answers, _LISTED)
            with words:
                st.markdown(f"{tag(example)} **{escaped(example.title)}**, {escaped(example.what)}")
                show_answers(dataset, answers, f"list {example.place}")
                _opener(example)


def _cell_picture(
    dataset: Dataset | None, example: Example, answers: Sequence[ScoredAnswer], width: int
) -> None:  # fmt: skip
    if example.image is None or dataset is None:
        return
    shown = picture(dataset, row_of(dataset, example.image), 2 * width, outlines_of(answers))
    if shown is None:
        st.caption("unreadable")
    else:
        st.image(shown, width=width, alt=example.image)


def _what(example: Example, answers: Sequence[ScoredAnswer]) -> str:
    """The mistake with its probability; a reference where the item has a text of its own."""
    if example.is_right is None:
        references = [answer.text for answer in answers if answer.is_right]
        return f"{example.what}; a reference: {references[0]}" if references else example.what
    share = next((answer.share for answer in answers if answer.is_chosen and answer.share is not None), None)
    return example.what if share is None else f"{example.what} ({format_share(share)})"


def _opener(example: Example) -> None:
    name = escaped(_name(example.item)) if example.image else "open"
    st.button(
        name, key=f"open {example.place}", on_click=partial(open_item, example.item), type="tertiary",
        help=escaped(f"open {example.item}"),
    )  # fmt: skip


def open_item(item: str) -> None:
    """Show one item in full from the next rerun on; an empty name goes back to all."""
    go_to(item=item)


def _name(item: str) -> str:
    """The end of an id, which is where ids differ: a file's name."""
    name = item.rpartition("/")[2] or item
    return name if len(name) <= _NAME else f"…{name[1 - _NAME :]}"


def _cut(text: str, longest: int) -> str:
    words = " ".join(text.split())
    return escaped(words if len(words) <= longest else f"{words[: longest - 1]}…")
