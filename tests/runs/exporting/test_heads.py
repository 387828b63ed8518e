"""Heads leave the tool as arrays with a program, and as estimators: both give the run's own probabilities."""

import runpy

import numpy as np
import pytest
import skops.io
import torch

from tests.runs.exporting.conftest import HEADS, made
from workbench.errors import WorkbenchError
from workbench.metrics import sigmoid, softmax
from workbench.recipes.heads import AffineHead, LinearHead
from workbench.runs.exporting import export_run
from workbench.runs.exporting.checking import TestImages as Images
from workbench.runs.finished import FinishedRun

LINEAR = ("zero-shot", "linear-probe", "gda", "nearest-class-mean", "task-res", "cross-modal-probe", "coop")


def features_and_truth(run: FinishedRun):
    """Features of all test images, and the run's recorded probabilities."""
    images = Images.of(run, 10_000)
    assert len(images.rows) == len(run.predictions.ids)
    return images.features(run), softmax(images.recorded)


@pytest.mark.parametrize("recipe", HEADS)
def test_the_program_beside_the_arrays_gives_the_recorded_probabilities(runs, tmp_path, recipe):
    runs.export(recipe, tmp_path / "head", "npz")
    program = runpy.run_path(str(tmp_path / "head" / "head.py"))
    features, truth = features_and_truth(runs.open(recipe))
    given = program["probabilities_of"](features.pooled, features.projected)
    np.testing.assert_allclose(given, truth, atol=1e-4)
    assert program["class_names"] == list(runs.open(recipe).predictions.class_names)
    head = runs.open(recipe).predictor().as_head()
    graph = head(torch.from_numpy(features.pooled), torch.from_numpy(features.projected))
    np.testing.assert_allclose(softmax(graph.numpy()), truth, atol=1e-4)


@pytest.mark.parametrize("recipe", LINEAR)
def test_an_estimator_predicts_as_the_run_did(runs, tmp_path, recipe):
    runs.export(recipe, tmp_path / "head", "sklearn")
    path = tmp_path / "head" / "model.skops"
    assert skops.io.get_untrusted_types(file=path) == []
    model, run = skops.io.load(path, trusted=[]), runs.open(recipe)
    features, truth = features_and_truth(run)
    spaces = run.predictor().as_head().linear().spaces
    columns = np.hstack([getattr(features, space) for space in spaces])
    np.testing.assert_allclose(model.predict_proba(columns), truth, atol=1e-4)
    names = np.asarray(run.predictions.class_names)
    assert model.predict(columns).tolist() == names[truth.argmax(axis=1)].tolist()


def test_what_is_not_linear_is_no_estimator(runs, tmp_path):
    with pytest.raises(WorkbenchError, match=r"'knn' is not linear.*--format npz, onnx or torch"):
        runs.export("knn", tmp_path / "head", "sklearn")
    assert not (tmp_path / "head").exists()


def test_two_classes_and_several_labels_an_image(tmp_path, write_colours, tiny_model):
    folder = write_colours(tmp_path / "two")
    for split in ("train", "val", "test"):
        for file in (folder / split / "blue").iterdir():
            file.unlink()
        (folder / split / "blue").rmdir()
    two = made(folder, tmp_path, tiny_model, ["linear-probe"])
    two.export("linear-probe", tmp_path / "head", "sklearn")
    features, truth = features_and_truth(two.open("linear-probe"))
    model = skops.io.load(tmp_path / "head" / "model.skops", trusted=[])
    (space,) = two.open("linear-probe").predictor().as_head().spaces
    np.testing.assert_allclose(model.predict_proba(getattr(features, space)), truth, atol=1e-4)


def test_several_labels_an_image(tmp_path, write_colours, tiny_model):
    folder = write_colours(tmp_path / "several")
    files = sorted(folder.rglob("*.png"))
    rows = [
        f"{path.relative_to(folder).as_posix()},{path.parent.name}{odd},{path.parts[-3]}"
        for path in files
        for odd in ["|odd" if int(path.stem) % 2 else ""]
    ]
    (folder / "metadata.csv").write_text("\n".join(["file_name,label,split", *rows]), encoding="utf-8")
    card = tmp_path / "several.toml"
    card.write_text(
        'name = "several"\ntask = "classification"\nmulti_label = true\n'
        'source = { type = "csv", path = "several/metadata.csv" }\n'
        'columns = { image = "file_name", label = "label", split = "split" }\n', encoding="utf-8",
    )  # fmt: skip
    several = made(card, tmp_path, tiny_model, ["linear-probe"])
    run = several.open("linear-probe")
    images = Images.of(run, 10_000)
    features, truth = images.features(run), sigmoid(images.recorded)
    assert truth.sum(axis=1).max() > 1.05
    several.export("linear-probe", tmp_path / "estimator", "sklearn")
    model = skops.io.load(tmp_path / "estimator" / "model.skops", trusted=[])
    (space,) = run.predictor().as_head().spaces
    np.testing.assert_allclose(model.predict_proba(getattr(features, space)), truth, atol=1e-4)
    several.export("linear-probe", tmp_path / "head", "npz")
    program = runpy.run_path(str(tmp_path / "head" / "head.py"))
    np.testing.assert_allclose(program["probabilities_of"](features.pooled, features.projected), truth, atol=1e-4)


def test_a_head_that_says_something_else_is_not_written(runs, tmp_path, monkeypatch):
    run = runs.open("linear-probe")
    right = run.predictor().as_head()
    wrong = LinearHead(right.arrays()["bias"] + [0.05, 0, 0], pooled=None, projected=None)
    wrong.spaces = right.spaces
    for space in right.spaces:
        wrong.register_buffer(f"weight_{space}", right.weight(space))
    monkeypatch.setattr("workbench.tasks.LinearClassifier.as_head", lambda _: wrong)
    with pytest.raises(WorkbenchError, match=r"gives other scores than the run.*Nothing was written"):
        export_run(run, tmp_path / "head", "npz")
    assert list(tmp_path.iterdir()) == []


def test_calibrated_scores_are_part_of_a_linear_head():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(5, 4)), rng.normal(size=(3, 4)), rng.normal(size=3)
    factor, offset = rng.uniform(0.5, 2, 3), rng.normal(size=3)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    expected = (unit @ weight.T + bias) * factor + offset
    head = AffineHead(LinearHead(bias, projected=weight), factor, offset)
    scope = {"head": head.arrays(), "pooled": x, "projected": x, "np": np}
    scope["unit"] = lambda values: values / np.linalg.norm(values, axis=1, keepdims=True)
    exec("\n".join(head.numpy()), scope)
    np.testing.assert_allclose(scope["logits"], expected, rtol=1e-5)
    folded = head.linear().arrays()
    np.testing.assert_allclose(unit @ folded["weight_projected"].T + folded["bias"], expected, rtol=1e-5)
