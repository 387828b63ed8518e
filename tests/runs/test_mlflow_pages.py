"""What MLflow's own pages show of runs: datasets, groups of seeds, and the way to the workbench and back."""

import json

import mlflow
import pytest

import workbench
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings
from workbench.tracking import open_store
from workbench.tracking.delivery import send_values
from workbench.tracking.inputs import dataset_input
from workbench.tracking.record import RunRecord
from workbench.tracking.ui import mlflow_page


@pytest.fixture(scope="module")
def made(tmp_path_factory, write_colours, tiny_model):
    home = tmp_path_factory.mktemp("pages")
    settings = {"tracking_uri": f"sqlite:///{home / 'runs.db'}", "cache": home / "cache", "device": "cpu"}
    frame = workbench.run(
        models=tiny_model, datasets=write_colours(home / "colours"), recipes=["zero-shot", "nearest-class-mean"],
        shots=2, seeds=[0, 1], name="pages", precision="fp32", **settings,
    )  # fmt: skip
    assert set(frame["status"]) == {"finished"}
    return frame, settings


def entities(made, recipe):
    frame, settings = made
    client = mlflow.MlflowClient(settings["tracking_uri"])
    return [client.get_run(run) for run in frame.loc[frame["recipe"] == recipe, "run_id"]]


def test_runs_name_their_datasets(made):
    first, second = entities(made, "nearest-class-mean")
    (untrained,) = entities(made, "zero-shot")
    for run, contexts in ((first, ["training", "test"]), (second, ["training", "test"]), (untrained, ["test"])):
        found = {each.tags[0].value: each.dataset for each in run.inputs.dataset_inputs}
        assert sorted(found) == sorted(contexts)
        assert {each.tags[0].key for each in run.inputs.dataset_inputs} == {"mlflow.data.context"}
        assert json.loads(found["test"].profile) == {"test_images": 24, "classes": 3}
        assert found["test"].name == "colours"
        assert run.data.tags["dataset.items"].startswith(found["test"].digest)
        mlflow.data.get_source(found["test"])  # MLflow can read what stands there.
    counts = json.loads(
        next(each.dataset for each in first.inputs.dataset_inputs if each.tags[0].value == "training").profile
    )
    assert counts == {"train_images": 18, "val_images": 9, "test_images": 24}


def test_seeds_are_one_group_and_recipes_are_not(made):
    groups = [run.data.tags["workbench.run_group"] for run in entities(made, "nearest-class-mean")]
    assert len(groups) == 2
    assert len(set(groups)) == 1
    assert groups[0].startswith("nearest-class-mean, colours, ")
    assert entities(made, "zero-shot")[0].data.tags["workbench.run_group"] != groups[0]


def test_pages_lead_to_each_other(made):
    _, settings = made
    run = entities(made, "zero-shot")[0]
    opened = FinishedRun.open_any(run.info.run_id, Settings(**settings))
    page = mlflow_page(open_store(opened.settings), opened.result)
    address, _, command = page.partition(" ")
    assert address == f"http://127.0.0.1:5000/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    assert command == f"(while `mlflow ui --backend-store-uri {settings['tracking_uri']}` runs)"
    description = run.data.tags["mlflow.note.content"]
    assert f"workbench show run {run.info.run_id[:8]}" in description
    assert f"/run?run={run.info.run_id})" in description


def test_a_server_shows_its_own_page(mlflow_server):
    store = open_store(Settings(tracking_uri=mlflow_server))
    record = RunRecord(
        "pages", "a run", inputs=[dataset_input("ferns", 64 * "a", "test", "ferns/", {"test_images": 3})]
    )
    run = store.client.create_run(store.experiment("pages"))
    for _ in range(2):  # Sent again after a failure, it is there once.
        send_values(store, run.info.run_id, record)
    result = record.as_result(run.info.run_id, run.info.artifact_uri)
    address = f"{mlflow_server}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    assert mlflow_page(store, result) == address
    (kept,) = store.client.get_run(run.info.run_id).inputs.dataset_inputs
    assert (kept.dataset.name, kept.dataset.digest, kept.tags[0].value) == ("ferns", 36 * "a", "test")


def test_a_record_of_an_earlier_version_is_read():
    values = RunRecord("suite", "name").to_json()
    del values["inputs"]
    assert RunRecord.from_json(values).inputs == []
