"""A suite whose MLflow server dies in the middle goes on, and is whole once the server is back."""

import json
import time

import pytest

from tests.tracking.servers import serving
from workbench.cli import main
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.tracking import StoreError, open_store, read_runs, sync
from workbench.tracking.reading import artifact_path, traceback_place


@pytest.fixture
def server(monkeypatch):
    import mlflow  # noqa: F401 - takes seconds, which no test of time limits should count

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with serving() as running:
        yield running


@pytest.fixture
def remote(settings, server):
    return settings.model_copy(update={"tracking_uri": server.uri.replace("//", "//ann:s3cretive@")})


class Told:
    """Says what was told, and ends the server once a run is finished."""

    def __init__(self, server=None):
        self.lines, self.server = [], server

    def say(self, sentence):
        self.lines.append(sentence)
        if self.server and sentence.startswith("finished"):
            self.server.stop()

    def progress(self, what, done, total):
        pass


def suite(tiny_model, folder):
    recipes = tuple(RecipeEntry(recipe=name) for name in ("zero-shot", "nearest-class-mean"))
    return Suite(
        name="s",
        models=(tiny_model,),
        datasets=(str(folder),),
        recipes=recipes,
        shots=(1, 2),
        seeds=(0,),
        figures=False,
    )


def test_a_suite_outlives_its_server(server, remote, tiny_model, make_colours, capsys):
    asked, told = suite(tiny_model, make_colours()), Told(server)
    runs = run_suite(asked, remote, reporter=told)
    assert {run.status for run in runs} == {"finished"}
    assert len(runs) == 4
    store = open_store(remote)
    assert len(store.spool.entries(store.server)) == len(runs) - len(server.finished())
    assert "`workbench sync`" in told.lines[-1]
    assert told.lines[-1].startswith("failed to reach http://ann:***@")
    start = time.monotonic()
    with pytest.raises(StoreError, match="does not answer"):  # At the start it stops, before any work.
        run_suite(asked, remote)
    assert time.monotonic() - start < 5
    server.again()
    with pytest.raises(SystemExit) as ended:
        main(["sync", "--tracking-uri", remote.tracking_uri, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert found["store"].startswith("http://ann:***@")
    assert len(found["sent"]) == 3
    assert found["remaining"] == {}
    again = Told()
    assert {run.key for run in run_suite(asked, remote, reporter=again)} == {run.key for run in runs}
    assert again.lines == ["4 of 4 runs are finished already."]
    assert len(server.finished()) == 4
    assert {run["info"]["status"] for run in server.runs.values() if server.is_active(run)} == {"FINISHED"}


def test_the_traceback_of_a_failed_run_waits_with_it(server, remote, tiny_model, make_colours):
    asked = suite(tiny_model, make_colours())
    lora = RecipeEntry(recipe="lora", config={"targets": ["nowhere"]})
    runs = run_suite(asked.model_copy(update={"recipes": (asked.recipes[0], lora)}), remote, reporter=Told(server))
    store = open_store(remote)
    failed = next(run for run in runs if run.status == "failed")
    entry = next(entry for entry in store.spool.entries(store.server) if entry.record.status == "FAILED")
    assert "Traceback (most recent call last)" in artifact_path(store, failed, "traceback.txt").read_text()
    server.again()
    assert sync(open_store(remote)).remaining == {}
    assert not entry.folder.exists()
    sent = next(run for run in read_runs(open_store(remote)) if run.status == "failed")
    assert traceback_place(open_store(remote), sent) == f"{sent.artifact_uri}/traceback.txt"


def test_the_next_command_sends_what_waits(server, remote, tiny_model, make_colours, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    asked = suite(tiny_model, make_colours())
    run_suite(asked, remote, reporter=Told(server))
    server.again()
    with pytest.raises(SystemExit) as ended:
        main(["results", "--tracking-uri", remote.tracking_uri])
    out, err = capsys.readouterr()
    assert ended.value.code == 0
    assert "3 runs of" in err
    assert "nearest-class-mean" in out
    assert "s3cretive" not in out + err
    assert len(server.finished()) == 4
    assert sync(open_store(remote)).sent == []
