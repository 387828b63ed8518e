"""A run's test items, its mistakes first: filters, pictures with their answers, and each part's share of right ones."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards.address import ask_text, choose
from dashboards.charts.part_shares import part_chart
from dashboards.figure import show_figure
from dashboards.gallery import open_item, show_gallery, tag
from dashboards.item import show_item
from dashboards.session import Session
from dashboards.text import escaped, runs_caption
from dashboards.views.examples import SHOWN, SUSPECTS, part_names, shares_by, tagged, values_of
from dashboards.widgets import as_values, choose_dataset, choose_run, follow_run, table
from workbench.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.formatting import format_count
from workbench.tasks import Example
from workbench.tracking import RunResult

_ANY = "any"
_SUSPECTED = (
    "labels that are suspect, the most first, by confident learning (Northcutt, Jiang and Chuang, 2021): the run finds "
    "another class at least as probable as it finds that class on average in its own images. Look before you correct: "
    "a weak model suspects what it does not know."
)
_MOST_PARTS = 40


def show(session: Session) -> None:
    """The page."""
    st.title("Errors")
    follow_run(session.finished)
    _, dataset_runs = choose_dataset(session.finished)
    run = choose_run(dataset_runs)
    st.caption(runs_caption([run]))
    try:
        dataset: Dataset | None = session.dataset_of(run)
    except WorkbenchError as error:
        st.info(f"No pictures: {escaped(error)}")
        dataset = None
    try:
        _show_examples(session, run, dataset, session.examples(run))
    except WorkbenchError as error:
        st.info(escaped(error))


def _show_examples(session: Session, run: RunResult, dataset: Dataset | None, examples: list[Example]) -> None:
    judged = any(each.is_right is not None for each in examples)
    names = part_names(examples)
    columns = st.columns(len(names) + 1 + judged)
    first, places, last = columns[0], columns[int(judged) : -1], columns[-1]
    predictions = session.predictions(run)
    suspects = predictions.suspects()
    options = [*SHOWN, *([SUSPECTS] if suspects else [])]
    shown = choose("show", options, key="show", drops=("page",), place=first) if judged else "all"
    kept = _filtered(tagged(examples, shown, suspects), names, places)
    item = ask_text("one item (an id)", key="item", place=last)
    if item:
        _one(session, run, dataset, examples, kept, item)
        return
    if not kept:
        st.success("No mistakes here." if shown == "wrong" else "No such items.")
        return
    if shown == SUSPECTS:
        st.caption(f"{format_count(len(kept))} of {format_count(len(examples))}: {_SUSPECTED}")
    else:
        st.caption(f"{format_count(len(kept))} of {format_count(len(examples))}: {predictions.examples_are}.")
    show_gallery(session, run, dataset, kept, examples, names)
    if judged:
        _by_part(run, examples, names)


def _one(
    session: Session, run: RunResult, dataset: Dataset | None, examples: Sequence[Example], kept: Sequence[Example],
    item: str,
) -> None:  # fmt: skip
    """One item in full, with the way to its neighbours among those that the filters leave."""
    found = next((each for each in examples if each.item == item), None)
    if found is None:
        raise WorkbenchError(f"this run has no test item {item!r}.")
    items = [each.item for each in kept]
    place = items.index(item) if item in items else None
    ways = st.container(horizontal=True)
    ways.button("all items", on_click=open_item, args=("",))
    for label, step in (("previous", -1), ("next", 1)):
        there = place is not None and 0 <= place + step < len(items)
        target = items[place + step] if there and place is not None else ""
        ways.button(label, on_click=open_item, args=(target,), disabled=not there)
    ways.markdown(tag(found))
    show_item(session, run, dataset, found)


def _filtered(examples: list[Example], names: Sequence[str], places: Sequence[DeltaGenerator]) -> list[Example]:
    """Items that have the chosen parts; each choice limits the next one."""
    for column, name in zip(places, names, strict=True):
        values = values_of(examples, name)
        picked = choose(name, [_ANY, *values], key=name.removesuffix(" class"), drops=("page",), place=column)
        examples = [each for each in examples if picked in {_ANY, each.parts.get(name)}]
    return examples


def _by_part(run: RunResult, examples: Sequence[Example], names: Sequence[str]) -> None:
    # What was answered is no part of the test items: nobody is right on it by definition.
    names = [name for name in names if name not in {"predicted class", "worst label"}]
    names = [name for name in names if 2 <= len(values_of(examples, name)) <= _MOST_PARTS]
    if not names:
        return
    st.header("Right by part")
    name = choose("part", names, key="part")
    parts = shares_by(examples, name)
    rows = pd.DataFrame(
        {
            name: [part.value for part in parts],
            "items": [part.count for part in parts],
            "right": [part.share for part in parts],
            "low": [part.low for part in parts],
            "high": [part.high for part in parts],
            "guessing": [part.chance for part in parts],
        }
    )
    if rows["guessing"].isna().all():
        rows = rows.drop(columns="guessing")
    show_figure(part_chart(parts, name, run.run_id), rows, f"{run.label} on {run.dataset}: right by {name}")
    chance = " Grey ticks are what picking any answer would reach." if any(part.chance for part in parts) else ""
    st.caption(f"Share of items that are right, with 95 % intervals.{chance}")
    if not all(part.reliable for part in parts):
        st.caption("Some intervals rest on under 20 items or groups and are unreliable.")
    table(rows, as_values("accuracy", "right", "low", "high", "guessing"))
