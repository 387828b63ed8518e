"""Findings of which it is not known whether an image has them count in no loss and in no metric."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workbench import compare
from workbench.errors import RecipeError
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite

SHORT = {name: {"epochs": 1} for name in ("lora", "bias-norm-tuning", "full-fine-tune")}
SHORT["coop"] = {"epochs": 1, "n_context": 4}
RECIPES = ("zero-shot", "linear-probe", "lora", "coop", "bias-norm-tuning", "full-fine-tune")


@pytest.fixture
def card(write, tmp_path):
    """A dataset whose findings are colours; of a tenth of the images each is not known."""

    def describe(left, right, rng):
        hidden = rng.random(3) < 0.1
        has = [colour in {left, right} for colour in ("red", "green", "blue")]
        return {name: None if h else int(t) for name, t, h in zip("rgb", has, hidden, strict=True)}

    path = write("classification", {}, describe, "multi_label = true")
    path.write_text(path.read_text("utf-8") + 'labels = ["r", "g", "b"]\n', "utf-8")
    return path


def run(card, settings, tiny_model, *recipes):
    entries = [RecipeEntry(recipe=name, config=SHORT.get(name, {})) for name in recipes]
    suite = Suite(
        name="s", models=(tiny_model,), datasets=(str(card),), recipes=tuple(entries), figures=False
    )  # fmt: skip
    return {each.recipe: each for each in run_suite(suite, settings, raise_error=True)}


def predictions_of(found, settings):
    return FinishedRun.open(found.run_id, settings).predictions


def test_recipes_train_and_are_measured_without_them(card, settings, tiny_model):
    runs = run(card, settings, tiny_model, *RECIPES)
    for name in RECIPES:
        predictions = predictions_of(runs[name], settings)
        hidden = np.isnan(predictions.labels)
        assert 0 < hidden.mean() < 0.3
        columns = [(predictions.labels[~hidden[:, k], k], predictions.scores[~hidden[:, k], k]) for k in range(3)]
        expected = np.mean([roc_auc_score(*column) for column in columns])
        assert runs[name].metrics["auroc"] == pytest.approx(expected, abs=1e-6), name
    (pair,) = compare(
        runs["linear-probe"].run_id, runs["zero-shot"].run_id, metric="auroc",
        cache=settings.cache, runs=settings.runs,
    )  # fmt: skip
    assert pair.difference.value == pytest.approx(
        runs["linear-probe"].metrics["auroc"] - runs["zero-shot"].metrics["auroc"], abs=1e-6
    )
    assert any("missing findings are left out of losses and metrics" in note for note in runs["lora"].dataset_notes)


def test_a_recipe_that_cannot_mask_is_refused(card, settings, tiny_model, monkeypatch):
    monkeypatch.setattr("adapters.zero_shot.ZeroShot.masks_labels", False)
    with pytest.raises(RecipeError, match=r"cannot leave unknown findings out of its loss"):
        run(card, settings, tiny_model, "zero-shot")


def test_thresholds_of_zero_shot_come_from_validation_alone(write, tmp_path, settings, tiny_model):
    def described(flip):
        def describe(left, right, rng):
            has = [colour in {left, right} for colour in ("red", "green", "blue")]
            return {name: int(t) for name, t in zip("rgb", has, strict=True)}

        path = write("classification", {}, describe, "multi_label = true")
        more = 'labels = ["r", "g", "b"]\n[prompts]\ntemplates = ["{} in it"]\nnegative_templates = ["no {} in it"]\n'
        path.write_text(path.read_text("utf-8") + more, "utf-8")
        table = path.with_name("metadata.jsonl")
        if flip:  # Other test labels, the same images.
            lines = [json.loads(line) for line in table.read_text("utf-8").splitlines()]
            for line in lines:
                if line["split"] == "test":
                    line |= {name: 1 - line[name] for name in "rgb"}
            table.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        return path

    first = run(described(flip=False), settings, tiny_model, "zero-shot")["zero-shot"]
    chosen = {key: value for key, value in first.tags.items() if key.startswith("chosen.threshold")}
    assert set(chosen) == {"chosen.threshold_r", "chosen.threshold_g", "chosen.threshold_b"}
    scores = predictions_of(first, settings).scores
    assert 0 < (scores >= 0).mean() < 1, "some findings are present and some are not"
    second = run(described(flip=True), settings, tiny_model, "zero-shot")["zero-shot"]
    assert second.metrics["macro_f1"] != first.metrics["macro_f1"]
    assert {key: second.tags[key] for key in chosen} == chosen
