"""What the pages know of a store: kept until it changes, and from a server page by page."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit.testing.v1 import AppTest

import dashboards
from dashboards.runs import Feed, snapshot
from workbench.errors import WorkbenchError
from workbench.tracking import RunRecorder, Store, open_store, schema

PARAMS = dict.fromkeys(("model", "dataset", "field", "task", "recipe", "shots", "seed"), "x") | {"seed": 0}


@pytest.fixture(autouse=True)
def _nothing_cached():
    import streamlit as st

    st.cache_resource.clear()


def begin(store, key):
    return RunRecorder.begin(store, "s", key, PARAMS, {schema.RUN_KEY: key})


def test_a_store_that_does_not_exist_has_no_runs(settings):
    assert snapshot(settings).runs.read == []
    assert not settings.runs.exists()


def test_is_read_again_when_the_store_has_changed(settings):
    begin(open_store(settings), "a")
    first = snapshot(settings)
    assert snapshot(settings).runs is first.runs
    begin(open_store(settings), "b")
    assert len(snapshot(settings).runs.all) == 2


def test_a_file_that_is_no_store_is_one_sentence(settings):
    settings.runs.mkdir()
    (settings.runs / "mlflow.db").write_bytes(b"no database" * 100)
    with pytest.raises(WorkbenchError, match="cannot be read as an MLflow store"):
        snapshot(settings)


def test_a_servers_runs_arrive_in_the_background(settings, mlflow_server, monkeypatch):
    remote = settings.model_copy(update={"tracking_uri": mlflow_server})
    store = open_store(remote)
    made = {begin(store, f"feed{i}").run_id for i in range(3)}
    monkeypatch.setattr("workbench.tracking._server._PAGE", 2)
    feed = Feed(Store(mlflow_server)).start()
    assert feed.runs
    for _ in range(100):
        if feed.complete:
            break
        time.sleep(0.1)
    assert feed.error is None
    assert made <= {run.run_id for run in feed.runs}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    app = AppTest.from_file(f"{next(iter(dashboards.__path__))}/app.py", default_timeout=60).run()
    assert not app.exception
    assert any("read so far" in caption.value or "runs (" in caption.value for caption in app.caption)


def test_of_visitors_who_find_the_runs_old_one_asks_again(settings, monkeypatch):
    asked = []

    def start(feed):
        asked.append(feed)
        time.sleep(0.1)
        feed.complete = True
        return feed

    monkeypatch.setattr(Feed, "start", start)
    remote = settings.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})
    snapshot(remote)
    asked[0].began -= 1000
    real = time.monotonic

    def slow():
        now = real()
        time.sleep(0.05)  # So that all of them find the runs old before one has asked.
        return now

    monkeypatch.setattr("dashboards.runs.time.monotonic", slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: snapshot(remote), range(4)))
    assert len(asked) == 2
