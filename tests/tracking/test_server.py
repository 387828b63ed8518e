"""A remote store: a real MLflow server."""

import pytest

from workbench.errors import WorkbenchError
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.settings import Settings
from workbench.tracking import Store, open_store, read_pages, read_runs


@pytest.fixture
def remote(settings, mlflow_server):
    return settings.model_copy(update={"tracking_uri": mlflow_server})


def suite(name, tiny_model, folder):
    entry = RecipeEntry(recipe="zero-shot")
    return Suite(name=name, models=(tiny_model,), datasets=(str(folder),), recipes=(entry,), figures=False)


def test_a_suite_runs_against_a_server_once(remote, tiny_model, make_colours):
    asked = suite("remote's", tiny_model, make_colours())
    runs = run_suite(asked, remote)
    assert {run.status for run in runs} == {"finished"}
    assert {run.run_id for run in run_suite(asked, remote)} == {run.run_id for run in runs}
    zero = next(run for run in runs if run.recipe == "zero-shot")
    assert read_runs(open_store(remote), "remote's", key=zero.key) == [zero]
    finished = FinishedRun.open(zero.run_id[:12], remote)
    right = finished.predictions.scores.argmax(axis=1) == finished.predictions.labels
    assert right.mean() == pytest.approx(zero.metrics["accuracy"])


def test_pages_come_newest_first(remote, mlflow_server, monkeypatch, tiny_model, make_colours):
    run_suite(suite("pages", tiny_model, make_colours()), remote)
    monkeypatch.setattr("workbench.tracking._server._PAGE", 1)
    pages = list(read_pages(Store(mlflow_server), "pages"))
    assert [len(page) for page in pages if page] == [1, 1]
    started = [run.started for page in pages for run in page]
    assert started == sorted(started, reverse=True)


def test_a_server_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(WorkbenchError, match="does not answer"):
        read_runs(open_store(Settings(tracking_uri="http://127.0.0.1:9")))
