"""One run: its settings, what was chosen, notes, training history, metrics, figures, files and versions."""

import math

import pandas as pd
import streamlit as st

from dashboards.address import link
from dashboards.charts.history import history_chart
from dashboards.session import Session
from dashboards.text import escaped, runs_caption
from dashboards.widgets import choose_dataset, choose_run, follow_run, run_settings
from workbench.errors import WorkbenchError
from workbench.formatting import format_seconds
from workbench.metrics.formatting import format_interval, format_value
from workbench.runs.comparisons import is_comparable
from workbench.tracking import RunResult, schema
from workbench.tracking.history import EPOCH, address_in_mlflow, artifact_names, run_history
from workbench.tracking.reading import artifact_path

_PICTURES = (".png", ".svg")
_ENDS = ("_ci_low", "_ci_high")
_LARGEST = 20_000_000
"""Bytes of a file that is offered for download."""


def show(session: Session) -> None:
    """The page."""
    st.title("Run")
    follow_run(session.runs)
    left, right = st.columns([1, 3])
    _, dataset_runs = choose_dataset(session.runs, place=left)
    run = choose_run(dataset_runs, place=right)
    st.header(escaped(run_settings(run)))
    st.caption(runs_caption([run]))
    _outcome(session, run)
    _facts("Settings", _settings(run))
    _facts("Chosen on validation", _tags(run, "chosen."))
    notes = run.tags.get("notes", "").splitlines()
    if notes:
        st.subheader("Notes")
        st.markdown("\n".join(f"- {escaped(note)}" for note in notes))
    _metrics(run)
    try:
        _history(session, run)
        _files(session, run)
        _facts("Versions", _tags(run, "version.") | _made_with(run))
        _in_mlflow(session, run)
    except WorkbenchError as error:
        st.info(escaped(error))


def _outcome(session: Session, run: RunResult) -> None:
    if run.status == "failed":
        st.error(escaped(run.tags.get(schema.ERROR, "failed, with no reason recorded")))
    elif run.status != "finished":
        st.info(f"This run is {run.status}.")
    elif is_comparable(run):
        ways = st.container(horizontal=True)
        link("Its test items, mistakes first", "errors", ways, run=run.run_id)
        others = [each for each in session.finished if _is_beside(each, run)]
        if others:
            link(f"Against {others[0].label}", "compare", ways, dataset=run.dataset, by="runs",
                 run=[run.run_id, others[0].run_id])  # fmt: skip
        link("Its suite compared", "compare", ways, dataset=run.dataset, suite=run.suite)


def _is_beside(other: RunResult, run: RunResult) -> bool:
    """Whether two runs differ in the recipe alone."""
    same = ("dataset", "suite", "model", "seed", "shots")
    return other.label != run.label and all(getattr(other, name) == getattr(run, name) for name in same)


def _facts(title: str, facts: dict[str, str]) -> None:
    if facts:
        st.subheader(title)
        st.dataframe(pd.DataFrame({"name": list(facts), "value": list(facts.values())}), hide_index=True)


def _settings(run: RunResult) -> dict[str, str]:
    own = {
        "dataset": run.dataset, "model": run.model, "recipe": run.recipe, "shots": run.shots, "seed": str(run.seed),
        "suite": run.suite, "task": run.task, "fitted on": run.trained_on,
        "inference": "" if run.inference == "inductive" else run.inference,
    }  # fmt: skip
    return {name: value for name, value in own.items() if value} | {
        f"{run.recipe}.{name}": str(value) for name, value in sorted(run.params.items())
    }


def _tags(run: RunResult, beginning: str) -> dict[str, str]:
    return {
        name.removeprefix(beginning): value for name, value in sorted(run.tags.items()) if name.startswith(beginning)
    }


def _made_with(run: RunResult) -> dict[str, str]:
    names = (
        "git.commit", "device.name", "precision", "precision.drift", "preprocessing", "workbench.protocol",
        "model.notice", "dataset.fingerprint", "model.fingerprint", schema.RUN_KEY,
    )  # fmt: skip
    return {name: run.tags[name] for name in names if run.tags.get(name)}


def _metrics(run: RunResult) -> None:
    names = [name for name in run.metrics if not name.endswith(_ENDS) and not name.startswith(EPOCH)]
    if not names:
        return
    primary = run.tags.get(schema.PRIMARY_METRIC)
    measured = [name for name in names if f"{name}_ci_low" in run.metrics]
    measured.sort(key=lambda name: (name != primary, name))
    rest = sorted(set(names) - set(measured))
    st.subheader("Metrics")
    rows = [_metric_row(run, name) for name in [*measured, *rest]]
    st.dataframe(pd.DataFrame(rows, columns=["metric", "value", "95 % interval", "unrounded"]), hide_index=True)


def _metric_row(run: RunResult, name: str) -> tuple[str, str, str, float]:
    value = run.metrics[name]
    low, high = (run.metrics.get(f"{name}{end}", math.nan) for end in _ENDS)
    text = format_seconds(value) if name.endswith("_seconds") else format_value(name, value, unit=True)
    return name, text, format_interval(name, low, high), value


def _history(session: Session, run: RunResult) -> None:
    history = run_history(session.snapshot.store, run)
    if not history:
        return
    st.subheader("Training")
    cells = st.container(horizontal=True)
    for name, points in history.items():
        chart = history_chart(name, points)
        cells.container(width=320).altair_chart(chart, width="stretch", alt=f"{name} by epoch")


def _files(session: Session, run: RunResult) -> None:
    names = artifact_names(session.snapshot.store, run)
    if not names:
        return
    pictures = [name for name in names if name.endswith(_PICTURES)]
    if pictures:
        st.subheader("Figures")
        cells = st.container(horizontal=True)
        for name in pictures:
            cells.container(width=420).image(str(artifact_path(session.snapshot.store, run, name)), alt=name)
    st.subheader("Files")
    st.dataframe(pd.DataFrame({"file": names}), hide_index=True)
    name = st.selectbox("download", [name for name in names if not name.endswith("/")], index=None)
    if name:
        path = artifact_path(session.snapshot.store, run, name)
        if path.stat().st_size > _LARGEST:
            st.caption(f"It is large; it lies at {escaped(path)}.")
        else:
            st.download_button(f"Download {escaped(name)}", path.read_bytes(), path.name, on_click="ignore")


def _in_mlflow(session: Session, run: RunResult) -> None:
    store = session.snapshot.store
    address = address_in_mlflow(store, run)
    st.subheader("In MLflow")
    if address is not None:
        st.link_button("Open this run in MLflow", address)
        return
    st.caption("A local store has no server; this starts MLflow's own pages on it:")
    st.code(f"mlflow ui --backend-store-uri {store.name}", language="sh", wrap_lines=True)
    st.caption(f"Its id is {run.run_id}.")
