"""Network and head leave the tool as one graph, which gives the run's probabilities without the workbench."""

import json
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

from workbench.errors import WorkbenchError
from workbench.metrics import softmax


def answers_of_program(folder, paths):
    """What `predict.py` prints, run by a Python that cannot import the workbench."""
    code = f"import sys, runpy; sys.modules['workbench'] = None; sys.path.insert(0, {str(folder)!r}); "
    code += f"sys.argv = ['predict.py', *{[str(path) for path in paths]!r}]; "
    code += f"runpy.run_path({str(folder / 'predict.py')!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    return [json.loads(line)["probabilities"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("recipe", "form"),
    [("zero-shot", "onnx"), ("linear-probe", "onnx"), ("lora", "onnx"), ("gda", "onnx"), ("lora", "torch")],
)
def test_a_graph_gives_the_recorded_probabilities(runs, tmp_path, recipe, form):
    made = runs.export(recipe, tmp_path / "model", form)
    assert "recorded scores" in made.said[0]
    assert "MB" in made.said[-1] or "kB" in made.said[-1]
    run = runs.open(recipe)
    chosen = [0, 7, 20]
    paths = [runs.folder / run.predictions.ids[i] for i in chosen]
    probabilities = softmax(run.predictions.scores)
    for i, answer in zip(chosen, answers_of_program(tmp_path / "model", paths), strict=True):
        expected = dict(zip(run.predictions.class_names, probabilities[i].tolist(), strict=True))
        assert answer == pytest.approx(expected, abs=1e-4)
        assert list(answer) == sorted(answer, key=answer.get, reverse=True)


def test_a_graph_takes_any_number_of_images(runs, tmp_path):
    runs.export("knn", tmp_path / "model", "onnx")  # Compares with the run before it writes.
    session = onnxruntime.InferenceSession(tmp_path / "model" / "model.onnx")
    for count in (1, 3):
        pixels = np.random.default_rng(0).normal(size=(count, 3, 32, 32)).astype(np.float32)
        logits, probabilities = session.run(["logits", "probabilities"], {"pixel_values": pixels})
        assert logits.shape == probabilities.shape == (count, 3)
        np.testing.assert_allclose(probabilities, softmax(logits), atol=1e-5)


def test_the_graph_says_what_it_is(runs, tmp_path):
    runs.export("zero-shot", tmp_path / "model", "onnx")
    about = onnxruntime.InferenceSession(tmp_path / "model" / "model.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(about["class_names"]) == ["blue", "green", "red"]
    assert about["workbench.run"] == runs.ids["zero-shot"]
    beside = json.loads((tmp_path / "model" / "preprocessing.json").read_text(encoding="utf-8"))
    stated = json.loads(about["preprocessing"])
    assert stated == {key: value for key, value in beside.items() if key not in {"class_names", "multi_label"}}
    assert stated["resize"]["size"] == [32, 32]
    assert stated["mean"] == [0.5, 0.5, 0.5]


def test_a_graph_of_other_scores_is_not_written(runs, tmp_path, monkeypatch):
    run = runs.open("lora")
    right = run.predictor().as_head()
    right.bias += np.float32([0, 0.05, 0])
    monkeypatch.setattr("workbench.plugin.EncoderClassifier.as_head", lambda _: right)
    with pytest.raises(WorkbenchError, match="the program gives other scores than the run"):
        runs.export("lora", tmp_path / "model", "torch")
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_are_named(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(WorkbenchError, match=r"onnx, onnxruntime, onnxscript.*clip-workbench\[onnx\]"):
        runs.export("zero-shot", tmp_path / "model", "onnx")
