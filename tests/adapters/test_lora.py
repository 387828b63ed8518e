"""LoRA on a tiny random ViT and on a convolutional tower, with real images."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from adapters.lora import Lora, LoraSettings
from adapters.lora.adapted import load_for_adapters
from adapters.lora.targets import as_peft_pattern, choose_targets
from workbench import RecipeError
from workbench.datasets import open_dataset
from workbench.features import FeatureStore
from workbench.models import open_model, save_checkpoint
from workbench.recipes import recipes
from workbench.runs.bench import Bench
from workbench.runs.planning import Cell

FAST = {"epochs": 6, "learning_rate": 1e-2, "batch_size": 8, "flip": False, "min_crop": 0.9, "scale": 20.0}


@pytest.fixture
def bench(settings, tiny_model, make_colours):
    dataset = open_dataset(str(make_colours()), settings)
    return Bench(dataset, open_model(tiny_model, settings), FeatureStore(settings.cache), "cpu")


def task_of(bench, shots=None, seed=0):
    cell = Cell("tiny", "colours", "lora", "lora", recipes.get("lora"), LoraSettings(), shots, seed)
    rows = bench.wanted(cell)
    return bench.task(cell, rows, refit=False), bench.labelled(rows.test)


def accuracy(predictor, test):
    return float((predictor.scores(test.images).argmax(axis=1) == test.labels).mean())


@pytest.mark.parametrize("towers", ["image", "text", "both"])
def test_learns_what_zero_shot_does_not_know(bench, towers):
    task, test = task_of(bench)
    before = recipes.get("zero-shot")(recipes.get("zero-shot").Config(prompts="single")).fit(task)
    predictor = Lora(LoraSettings(towers=towers, **FAST)).fit(task)
    assert accuracy(predictor, test) >= 0.9 > accuracy(before, test) + 0.2
    assert predictor.report.history["val_accuracy"][predictor.report.chosen["epoch"] - 1] == max(
        predictor.report.history["val_accuracy"]
    )


def test_adapters_change_nothing_before_training_and_count_once_after(bench):
    from peft import LoraConfig, get_peft_model

    loaded = load_for_adapters(bench.model)
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        base = bench.model.load().image_features(pixels)[1]
        names = choose_targets(loaded.network, "image", None)
        get_peft_model(loaded.network, LoraConfig(r=2, lora_alpha=4, target_modules=as_peft_pattern(names))).eval()
        torch.testing.assert_close(loaded.image_features(pixels)[1], base, atol=1e-5, rtol=1e-4)
        layer = dict(loaded.network.named_modules())["visual.transformer.resblocks.0.attn.out_proj"]
        layer.lora_B["default"].weight.normal_()
        x = torch.randn(5, layer.in_features)
        delta = (4 / 2) * layer.lora_B["default"].weight @ layer.lora_A["default"].weight
        torch.testing.assert_close(layer(x), layer.base_layer(x) + x @ delta.T, atol=1e-4, rtol=1e-4)


def test_targets_stay_in_their_tower(bench):
    loaded = load_for_adapters(bench.model)
    image = choose_targets(loaded.network, "image", None)
    text = choose_targets(loaded.network, "text", None)
    assert all(name.startswith("visual.") for name in image)
    assert text and not any(name.startswith("visual.") for name in text)
    assert {name.rpartition(".")[2] for name in image} == {"q_proj", "k_proj", "v_proj", "out_proj"}


def test_a_pattern_that_matches_nothing_names_what_there_is(bench):
    task, _ = task_of(bench)
    with pytest.raises(RecipeError, match=r"match no layer of the image tower.*visual\."):
        Lora(LoraSettings(targets=("*.nothing",))).fit(task)


def test_same_seed_same_scores(bench):
    task, test = task_of(bench, shots=2)
    first, second = (Lora(LoraSettings(**{**FAST, "epochs": 2})).fit(task).scores(test.images) for _ in range(2))
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_saved_and_restored_gives_equal_scores_and_peft_reads_it(bench, tmp_path):
    from peft import PeftModel

    task, test = task_of(bench, shots=2)
    predictor = Lora(LoraSettings(towers="both", **{**FAST, "epochs": 2})).fit(task)
    predictor.save(tmp_path)
    restored = Lora.restore(tmp_path, bench.model, "cpu")
    np.testing.assert_allclose(restored.scores(test.images), predictor.scores(test.images), atol=1e-4)
    PeftModel.from_pretrained(load_for_adapters(bench.model).network, tmp_path / "adapter")


def test_merged_checkpoint_gives_equal_outputs_in_stock_open_clip(bench, tmp_path):
    task, _ = task_of(bench, shots=2)
    predictor = Lora(LoraSettings(towers="both", **{**FAST, "epochs": 2})).fit(task)
    merged = predictor.merged(bench.model)
    folder = tmp_path / "exported"
    folder.mkdir()
    save_checkpoint(merged, folder)
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    tokens = merged.tokenizer(["a red thing", "a blue thing"])
    with torch.no_grad():
        image = predictor._loaded.image_features(pixels)[1]
        text = predictor._loaded.text_features(tokens)
    np.savez(tmp_path / "in.npz", pixels=pixels.numpy())
    script = (
        "import sys, numpy as np, torch, open_clip\n"
        f"m, _ = open_clip.create_model_from_pretrained('local-dir:{folder}')\n"
        f"t = open_clip.get_tokenizer('local-dir:{folder}')\n"
        f"x = torch.from_numpy(np.load(r'{tmp_path / 'in.npz'}')['pixels'])\n"
        "with torch.no_grad():\n"
        "    i, e = m.encode_image(x), m.encode_text(t(['a red thing', 'a blue thing']))\n"
        f"np.savez(r'{tmp_path / 'out.npz'}', image=i, text=e)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    out = np.load(tmp_path / "out.npz")
    np.testing.assert_allclose(out["image"], image, atol=2e-4)
    np.testing.assert_allclose(out["text"], text, atol=2e-4)


def test_one_image_a_class_and_no_validation_run(bench):
    task, test = task_of(bench, shots=1)
    from dataclasses import replace

    bare = replace(task, val=task.val.subset(np.arange(0)))
    predictor = Lora(LoraSettings(**{**FAST, "epochs": 2})).fit(bare)
    assert predictor.report.chosen["epoch"] == 2
    assert "last epoch" in predictor.report.notes[0]
    assert predictor.scores(test.images).shape == (24, 3)


def test_scores_do_not_depend_on_the_batch(bench):
    task, test = task_of(bench, shots=2)
    predictor = Lora(LoraSettings(**{**FAST, "epochs": 1})).fit(task)
    whole = predictor.scores(test.images)
    order = np.array([5, 0, 17])
    np.testing.assert_allclose(predictor.scores(test.images.subset(order)), whole[order], atol=0.05)


def test_ensemble_needs_a_frozen_text_tower(bench):
    task, _ = task_of(bench, shots=1)
    with pytest.raises(RecipeError, match="frozen text tower"):
        Lora(LoraSettings(towers="both", prompts="ensemble")).fit(task)
