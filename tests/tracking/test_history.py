"""What stands with a run, from a local store and from a server alike."""

import pytest

from workbench.settings import Settings
from workbench.tracking import RunRecorder, open_store, read_runs, schema
from workbench.tracking.history import address_in_mlflow, artifact_names, run_history

HISTORY = {"loss": [0.5, float("nan"), 0.25], "recall_at_1": [0.1]}


def recorded(settings, tmp_path):
    store = open_store(settings)
    params = dict.fromkeys(("model", "dataset", "field", "task", "recipe"), "x") | {"shots": 0, "seed": 0}
    (tmp_path / "made" / "figures").mkdir(parents=True)
    (tmp_path / "made" / "figures" / "a.svg").write_text("<svg/>")
    (tmp_path / "made" / "card.toml").write_text("")
    for key in ("k", "other"):
        recorder = RunRecorder.begin(store, "s", "r", params, {schema.RUN_KEY: key})
        recorder.finish({"accuracy": 0.5}, {}, tmp_path / "made", HISTORY if key == "k" else None)
    return store, {run.tags[schema.RUN_KEY]: run for run in read_runs(store)}


def test_a_local_store(settings, tmp_path):
    store, runs = recorded(settings, tmp_path)
    assert run_history(store, runs["k"]) == {"loss": [(1, 0.5), (3, 0.25)], "recall_at_1": [(1, 0.1)]}
    assert run_history(store, runs["other"]) == {}
    assert artifact_names(store, runs["k"]) == ["card.toml", "figures/a.svg"]
    assert address_in_mlflow(store, runs["k"]) is None


@pytest.mark.slow
def test_a_server(mlflow_server, tmp_path):
    settings = Settings(cache=tmp_path / "cache", runs=tmp_path / "runs", tracking_uri=mlflow_server)
    store, runs = recorded(settings, tmp_path)
    assert run_history(store, runs["k"]) == {"loss": [(1, 0.5), (3, 0.25)], "recall_at_1": [(1, 0.1)]}
    assert artifact_names(store, runs["k"]) == ["card.toml", "figures/"]
    address = address_in_mlflow(store, runs["k"])
    assert address.startswith(f"{mlflow_server}/#/experiments/")
    assert address.endswith(f"/runs/{runs['k'].run_id}")
