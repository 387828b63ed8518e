"""A remote store: a real MLflow server."""

import pytest

from workbench.errors import WorkbenchError
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.settings import Settings
from workbench.tracking import RunRecorder, Store, open_store, read_pages, read_runs, schema, sync
from workbench.tracking.examining import EXPERIMENT, examine_store
from workbench.tracking.reading import artifact_path


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


def test_what_waits_in_the_spool_is_sent_once(remote, tmp_path):
    store = open_store(remote)
    store.link.note(OSError("the server is gone"))
    (tmp_path / "files" / "deep").mkdir(parents=True)
    (tmp_path / "files" / "deep" / "weights").write_bytes(b"w" * 100)
    tags = {schema.RUN_KEY: "k" * 20, schema.LABEL: "zero-shot"}
    recorder = RunRecorder.begin(store, "spooled", "a run", {"model": "m", "dataset": "d", "seed": 0}, tags)
    assert recorder.finish({"accuracy": 0.5}, {"notes": "n"}, tmp_path / "files", {"loss": [2.0, 1.0]}).kept
    assert read_runs(open_store(remote), "spooled") == []
    assert sync(open_store(remote)).sent == ["spooled: a run"]
    assert sync(open_store(remote)).sent == []
    (run,) = read_runs(open_store(remote), "spooled")
    assert (run.status, run.metrics["accuracy"], run.metrics["epoch_loss"]) == ("finished", 0.5, 1.0)
    assert run.started == recorder.record.started
    assert artifact_path(open_store(remote), run, "deep/weights").read_bytes() == b"w" * 100


def test_doctor_tries_a_server(remote):
    for _ in range(2):
        fact, *wrong = examine_store(open_store(remote))
        assert wrong == []
        assert "takes a run with a file" in fact
    assert read_runs(open_store(remote), EXPERIMENT) == []


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


@pytest.mark.parametrize("uri", ["http://[", "http://ann:s3cretive@[::1"])
def test_what_is_no_address_is_one_sentence_without_a_password(uri, settings):
    with pytest.raises(WorkbenchError, match="is no address of a store") as caught:
        open_store(settings.model_copy(update={"tracking_uri": uri}))
    assert "s3cretive" not in str(caught.value)
