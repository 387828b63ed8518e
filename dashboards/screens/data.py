"""A dataset: its card, its classes, samples, and a check."""

import numpy as np
import pandas as pd
import streamlit as st

from dashboards.address import ask_toggle, choose
from dashboards.charts.counts import counts_chart
from dashboards.figure import show_figure
from dashboards.session import Session, key_of
from dashboards.text import escaped, runs_caption
from dashboards.widgets import choose_dataset, picture_grid
from workbench.datasets import CheckReport, Dataset, check_dataset
from workbench.datasets.card_writing import card_to_toml
from workbench.datasets.roles import ROLES
from workbench.errors import WorkbenchError

_SAMPLES = 12


def show(session: Session) -> None:
    """The page."""
    st.title("Data")
    name, dataset_runs = choose_dataset(session.runs)
    st.caption(runs_caption(dataset_runs))
    finished = [run for run in dataset_runs if run.status == "finished"]
    try:
        argument = session.open_run(finished[0]).dataset_argument if finished else name
        dataset = session.dataset(argument, finished[0] if finished else None)
    except WorkbenchError as error:
        st.info(f"The dataset cannot be opened here: {escaped(error)}")
        return
    _card(dataset)
    if dataset.class_names:
        st.header("Classes")
        counts: dict[str, list[int]] = {role: dataset.class_counts(role).tolist() for role in ROLES}
        rows = pd.DataFrame({"class": dataset.class_names, **counts})
        show_figure(counts_chart(counts, dataset.class_names), rows, f"{dataset.name}: images by class and split")
    for note in dataset.notes:
        st.caption(escaped(note))
    _samples(dataset)
    _check(dataset)


def _card(dataset: Dataset) -> None:
    card = dataset.card
    st.header(escaped(card.title or card.name))
    if card.description:
        st.markdown(escaped(card.description))
    if not card.verified:
        st.warning("This card's source could not be reached when it was written; it is not verified.")
    facts = {
        "field": card.field,
        "task": card.task,
        "images": ", ".join(f"{len(dataset.rows(role))} {role}" for role in ROLES),
        "primary metric": card.primary_metric,
        "protocol": card.protocol,
        "licence": card.licence,
        "citation": card.citation,
        "home page": card.homepage,
        "fingerprint": dataset.fingerprint[:16],
    }
    st.markdown("  \n".join(f"**{key}**: {escaped(value)}" for key, value in facts.items() if value))
    with st.expander("The whole card"):
        st.code(card_to_toml(card), language="toml", wrap_lines=True)


def _samples(dataset: Dataset) -> None:
    st.header("Samples")
    split = choose("split", [role for role in ROLES if len(dataset.rows(role))], key="split")
    rows = dataset.rows(split)
    picked = np.sort(np.random.default_rng(0).permutation(len(rows))[:_SAMPLES])
    chosen = rows[picked]
    picture_grid(dataset, dataset.ids(chosen), dataset.card.in_words(dataset, chosen))


def _check(dataset: Dataset) -> None:
    st.header("Check")
    if ask_toggle("Decode every image and compare the splits", key="check"):
        report: CheckReport = _checked(key_of(dataset), dataset)
        (st.warning if report.problems else st.success)(f"{report.problems} findings that can spoil results.")
        st.code(str(report), language=None, wrap_lines=True)
    else:
        st.caption("The same as `workbench check`; it takes about a second for every hundred images.")


@st.cache_resource(max_entries=8, show_spinner="Checking every image")
def _checked(key: str, _dataset: Dataset) -> CheckReport:  # noqa: ARG001
    return check_dataset(_dataset)
