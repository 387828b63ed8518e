"""Runs of retrieval, matching and classification are asked about images and texts."""

import json

import numpy as np
import pytest

from tests.runs.halves import COLOURS, write_halves
from workbench.errors import WorkbenchError
from workbench.metrics import softmax
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.apply import label_predictions, predict_folder
from workbench.runs.usable import UsableRun
from workbench.settings import Settings

RELATIONS = RecipeEntry(
    recipe="relation-head", config={"epochs": 2, "scales": [10.0], "tiles": 2, "words": 1}
)  # fmt: skip


def made(folder, model, task, columns, describe, *recipes):
    folder.mkdir()
    card = write_halves(folder, task, columns, describe)
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    suite = Suite(name="s", models=(model,), datasets=(str(card),), recipes=recipes, figures=False, baseline=False)
    return {run.recipe: UsableRun.open(run.run_id, settings) for run in run_suite(suite, settings)}


@pytest.mark.parametrize("recipe", ["zero-shot", "relation-head"])
def test_matching_chooses_among_texts_as_in_its_own_test(tmp_path, tiny_model, recipe):
    def contrasts(left, right, rng):
        return {"contrasts": [{"text": f"{left} then {right}", "wrong": [f"{right} then {left}"]}]}

    entry = RELATIONS if recipe == "relation-head" else RecipeEntry(recipe=recipe)
    folder = tmp_path / "halves"
    run = made(folder, tiny_model, "matching", {"negatives": "contrasts"}, contrasts, entry)[recipe]
    predictions = run.predictions
    for i in range(3):
        texts = predictions.texts[i].split(" | ")
        (answer,) = run.predict(folder / predictions.images[i], texts)
        given = dict(zip(answer["texts"], answer["probabilities"], strict=True))
        expected = softmax(predictions.scores[i][None])[0]
        np.testing.assert_allclose([given[text] for text in texts], expected, atol=2e-5)
        assert list(answer["probabilities"]) == sorted(answer["probabilities"], reverse=True)
    texts = predictions.texts[0].split(" | ")
    in_folder = {row.file: row.answer for row in predict_folder(run, folder, texts)}
    (expected,) = run.predict(folder / predictions.images[0], texts)
    assert in_folder[predictions.images[0]]["texts"] == expected["texts"]
    with pytest.raises(WorkbenchError, match="give the texts that the images are to be compared with"):
        run.predict(folder / predictions.images[0])


def test_statements_are_true_or_false(tmp_path, tiny_model):
    def statement(left, right, rng):
        is_true = bool(rng.integers(2))
        return {"said": f"{left} beside {right if is_true else left}", "truth": is_true}

    folder = tmp_path / "halves"
    columns = {"caption": "said", "label": "truth"}
    entry = RecipeEntry(recipe="zero-shot")
    run = made(folder, tiny_model, "matching", columns, statement, entry)["zero-shot"]
    predictions = run.predictions
    answers = run.predict([folder / name for name in predictions.images], "red beside blue")
    assert [set(answer) for answer in answers] == [{"texts", "probabilities", "true"}] * len(answers)
    for i, name in enumerate(predictions.images):
        (answer,) = run.predict(folder / name, predictions.texts[i])
        logit = float(predictions.scores[i][0])
        assert answer["probabilities"][0] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-4)
        if abs(logit) > 1e-3:
            assert answer["true"] == (logit >= 0,)


def test_retrieval_ranks_texts_and_boxes_can_be_picked_by_its_embeddings(tmp_path, tiny_model):
    def caption(left, right, rng):
        return {"caption": f"{left} beside {right}"}

    folder = tmp_path / "halves"
    entry = RecipeEntry(recipe="zero-shot")
    run = made(folder, tiny_model, "retrieval", {"caption": "caption"}, caption, entry)["zero-shot"]
    image = folder / "test-0.png"
    texts = [f"{name} beside grey" for name in COLOURS]
    (answer,) = run.predict(image, texts, top=3)
    cosines = run.embed(image)[0] @ run.model.encode_texts(texts).T
    cosines /= np.linalg.norm(run.model.encode_texts(texts), axis=1)
    assert answer["texts"] == tuple(texts[i] for i in np.argsort(-cosines)[:3])
    np.testing.assert_allclose(answer["cosines"], np.sort(cosines)[::-1][:3], atol=1e-5)
    (row, *_) = label_predictions(predict_folder(run, folder, texts, top=2), rules=None)
    assert set(row) == {"file", "text_1", "text_2", "cosine_1", "cosine_2"}
    (picked,) = run.ground(image, [[0, 0, 16, 32], [16, 0, 32, 32]], texts[0])
    assert len(picked["probabilities"]) == 2
    json.dumps(picked)


def test_a_classification_finds_boxes_where_classes_are_texts(tmp_path, tiny_model):
    def label(left, right, rng):
        return {"label": left}

    folder = tmp_path / "halves"
    recipes = (RecipeEntry(recipe="zero-shot"), RecipeEntry(recipe="nearest-class-mean"))
    runs = made(folder, tiny_model, "classification", {"label": "label"}, label, *recipes)
    boxes = [[0, 0, 16, 32], [16, 0, 32, 32]]
    run = runs["zero-shot"]
    (picked,) = run.ground(folder / "test-0.png", boxes, "red")
    pixels = np.array(run.heat_map(folder / "test-0.png", "red"))
    assert pixels.shape == (32, 32)
    from PIL import Image

    image = Image.open(folder / "test-0.png").convert("RGB")
    # Boxes are widened by a tenth on each side.
    parts = [image.crop((0, 0, 18, 32)), image.crop((14, 0, 32, 32))]
    text = run.model.encode_texts(["red"])[0]
    logits = run.model.logit_scale * (run.embed(parts) @ (text / np.linalg.norm(text)))
    np.testing.assert_allclose(picked["probabilities"], softmax(logits[None])[0], atol=1e-4)
    with pytest.raises(WorkbenchError, match="cannot score other classes than those that it was fitted on"):
        runs["nearest-class-mean"].ground(folder / "test-0.png", boxes, "red")
    with pytest.raises(WorkbenchError, match="for classification, which compares no whole images with texts"):
        run.predict(folder / "test-0.png", "red")
