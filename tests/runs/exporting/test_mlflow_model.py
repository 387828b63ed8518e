"""MLflow loads a run's model from a folder, from the store and from the registry, and serves it."""

import base64

import mlflow
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from mlflow.pyfunc import scoring_server

import workbench
from workbench.errors import WorkbenchError
from workbench.metrics import softmax
from workbench.runs.exporting import log_to_mlflow

CHOSEN = [1, 9, 17]


def encoded(runs, recipe):
    return [(runs.folder / runs.open(recipe).predictions.ids[i]).read_bytes() for i in CHOSEN]


def check(runs, recipe, answers):
    predictions = runs.open(recipe).predictions
    probabilities = softmax(predictions.scores)
    for i, answer in zip(CHOSEN, answers, strict=True):
        expected = dict(zip(predictions.class_names, probabilities[i].tolist(), strict=True))
        assert answer["probabilities"] == pytest.approx(expected, abs=1e-4)
        assert answer["class"] == max(expected, key=expected.get)
        assert answer["probability"] == pytest.approx(max(expected.values()), abs=1e-4)


def test_a_folder_is_loaded_and_served(runs, tmp_path):
    runs.export("gda", tmp_path / "model", "mlflow")
    assert not [path for path in (tmp_path / "model").rglob("*") if path.suffix in {".pkl", ".pickle", ".joblib"}]
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    images = encoded(runs, "gda")
    check(runs, "gda", model.predict(pd.DataFrame({"image": images})).to_dict("records"))
    client = TestClient(scoring_server.init(model))
    rows = [{"image": base64.b64encode(data).decode()} for data in images]
    answer = client.post("/invocations", json={"dataframe_records": rows})
    assert answer.status_code == 200, answer.text
    check(runs, "gda", answer.json()["predictions"])
    assert client.post("/invocations", json={"dataframe_records": [{"picture": "x"}]}).status_code == 400


def test_a_model_stands_beside_its_run_and_in_the_registry(runs, monkeypatch):
    run, store = runs.open("zero-shot"), runs.settings.tracking_uri
    before = workbench.results(tracking_uri=store)
    first, second = (log_to_mlflow(run, "ferns") for _ in range(2))
    assert (first.registered, second.registered) == ("ferns/1", "ferns/2")
    monkeypatch.setattr(mlflow.tracking._tracking_service.utils, "_tracking_uri", store)
    for uri in (first.uri, "models:/ferns/2"):
        model = mlflow.pyfunc.load_model(uri)
        answers = model.predict(pd.DataFrame({"image": encoded(runs, "zero-shot")}))
        check(runs, "zero-shot", answers.to_dict("records"))
    assert model.metadata.run_id == run.result.run_id
    client = mlflow.MlflowClient(store)
    recorded = client.get_run(run.result.run_id)
    assert recorded.info.status == "FINISHED"
    assert {output.model_id for output in recorded.outputs.model_outputs} == {
        logged.uri.removeprefix("models:/") for logged in (first, second)
    }
    pd.testing.assert_frame_equal(before, workbench.results(tracking_uri=store))


def test_nothing_is_left_in_the_store_where_there_is_nothing_to_log(runs):
    client = mlflow.MlflowClient(runs.settings.tracking_uri)
    experiment = client.get_run(runs.ids["zero"]).info.experiment_id
    before = {model.model_id for model in client.search_logged_models([experiment])}
    with pytest.raises(WorkbenchError, match="no head to export"):
        log_to_mlflow(runs.open("zero"))
    assert {model.model_id for model in client.search_logged_models([experiment])} == before
