"""`workbench.run`, `results`, `compare`, `report` and what a finished run is good for, on one small store."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import workbench


@pytest.fixture(scope="module")
def store(tmp_path_factory, write_colours, tiny_model):
    """A folder of images and the store with runs on it; one value where lists are meant, a path where text is."""
    home = tmp_path_factory.mktemp("api")
    folder = write_colours(home / "colours")
    settings = {"tracking_uri": f"sqlite:///{home / 'runs.db'}", "cache": home / "cache", "device": "cpu"}
    frame = workbench.run(
        models=tiny_model, datasets=folder, recipes=["zero-shot", {"recipe": "linear-probe"}], shots=4, seeds=0,
        name="api", precision="fp32", **settings,
    )  # fmt: skip
    return home, folder, frame, settings


def run_of(frame, recipe):
    return frame.set_index("recipe").loc[recipe, "run_id"]


def test_run_and_results_agree(store):
    _, _, frame, settings = store
    assert dict(zip(frame["recipe"], frame["shots"], strict=True)) == {
        "zero-shot": "0", "majority-class": "all", "linear-probe": "4",
    }  # fmt: skip
    assert frame["accuracy"].between(0, 1).all()
    again = workbench.results("api", **settings)
    assert set(again["run_id"]) == set(frame["run_id"])
    assert list(workbench.results("nothing", **settings).columns)[:2] == ["run_id", "suite"]


def test_results_are_filtered_as_on_the_command_line(store, tiny_model):
    _, _, _, settings = store
    assert set(workbench.results(recipes="zero-shot", **settings)["recipe"]) == {"zero-shot"}
    assert set(workbench.results(recipes=("zero-shot", "linear-probe"), **settings)["recipe"]) == {
        "zero-shot", "linear-probe",
    }  # fmt: skip
    assert len(workbench.results(models=tiny_model, datasets="colours", status="finished", **settings)) == 2
    assert workbench.results(datasets="another", **settings).empty
    assert workbench.results(status=["failed"], **settings).empty


def test_a_comparison_is_a_sentence_with_numbers(store):
    _, _, frame, settings = store
    first, other = run_of(frame, "linear-probe"), run_of(frame, "zero-shot")
    (found,) = workbench.compare(first, other, **settings)
    accuracy = frame.set_index("run_id")["accuracy"]
    assert found.difference.value == pytest.approx(accuracy[first] - accuracy[other])
    assert found.sentence in str(found)
    with pytest.raises(workbench.WorkbenchError, match="at least one run"):
        workbench.compare(first, **settings)


def test_a_suite_is_compared_and_reported(store, tmp_path):
    _, _, _, settings = store
    assert {result.run.recipe for result in workbench.compare_suite("api", **settings).results} == {
        "zero-shot", "majority-class", "linear-probe",
    }  # fmt: skip
    files = workbench.report("api", tmp_path / "report", **settings)
    assert tmp_path / "report" / "report.html" in files


def test_a_finished_run_predicts_other_images(store, tmp_path):
    _, _, frame, settings = store
    run = run_of(frame, "linear-probe")
    Image.new("RGB", (32, 32), "red").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    predicted = workbench.predict(run, tmp_path, top=2, **settings).set_index("file")
    assert len(predicted.loc["a.png", "classes"]) == 2
    assert pd.isna(predicted.loc["a.png", "error"])
    assert predicted.loc["b.png", "error"]
    loaded = workbench.load(run[:8], **settings)
    assert loaded.predictions.scores.shape[1] == len(loaded.predictions.class_names)


def test_a_probe_leaves_the_tool_and_is_no_checkpoint(store, tmp_path):
    _, _, frame, settings = store
    with pytest.raises(workbench.WorkbenchError, match="changes no weights"):
        workbench.export(run_of(frame, "linear-probe"), tmp_path / "model", "open_clip", **settings)
    assert workbench.export(run_of(frame, "linear-probe"), tmp_path / "head", **settings) == tmp_path / "head"
    assert (tmp_path / "head" / "head.npz").exists()


def test_data_and_model_open_embed_and_search(store, tiny_model):
    _, folder, _, settings = store
    dataset = workbench.open_dataset(folder, **settings)
    assert "test" in str(workbench.check(folder, **settings))
    frame = workbench.embed(folder, tiny_model, split="test", **settings)
    assert len(frame) == len(dataset.rows("test"))
    width = workbench.open_model(tiny_model, **settings).embed_dim
    assert np.stack(frame["projected"]).shape == (len(frame), width)
    found = workbench.search_images(folder, "red", model=tiny_model, top=3, **settings)
    assert list(found.columns) == ["id", "score", "labels", "captions"]
    assert found["score"].is_monotonic_decreasing
    like = workbench.search_images(folder, model=tiny_model, images=folder / frame["id"][0], top=1, **settings)
    assert like["score"][0] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"models": []}, "^models: "),
        ({"shots": -1}, "^shots"),
        ({"seeds": -1}, "^seeds"),
        ({"recipes": {"recipe": "zero-shot", "lable": "x"}}, "unknown key 'recipes.0.lable'.*label"),
        ({"datasets": 5}, "^datasets.0: "),
        ({"devise": "cpu"}, "^workbench.run: has no argument 'devise'. Did you mean .*'device'"),
        ({"dataset": "d"}, "^workbench.run: has no argument 'dataset'. Did you mean .*'datasets'"),
        ({"device": "gpu"}, "^device: "),
    ],
)
def test_what_is_wrong_is_one_sentence(wrong, sentence):
    with pytest.raises(workbench.WorkbenchError, match=sentence) as error:
        workbench.run(**{"models": "m", "datasets": "d", "recipes": "zero-shot", **wrong})
    assert "\n" not in str(error.value)


def test_a_suite_file_may_be_a_path(tmp_path):
    with pytest.raises(workbench.WorkbenchError, match=r"missing\.toml"):
        workbench.run(tmp_path / "missing.toml")


def test_transfers_are_run_from_python_too(store, tmp_path, write_colours, tiny_model):
    _, folder, _, settings = store
    other = write_colours(tmp_path / "others", seed=1)
    frame = workbench.run(
        models=tiny_model, recipes=["zero-shot", "knn"], shots=2, name="moves", precision="fp32",
        transfer={"source": folder, "targets": other}, **settings,
    )  # fmt: skip
    assert set(zip(frame["dataset"], frame["label"], strict=True)) == {
        ("colours", "majority-class"), ("colours", "zero-shot"), ("colours", "knn"), ("others", "zero-shot"),
        ("others", "knn from colours"),
    }  # fmt: skip
    assert set(frame["status"]) == {"finished"}
