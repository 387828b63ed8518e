"""The preset puts adapters where the paper does, multiplied by what its code multiplies by."""

import pytest
import torch

from adapters.clip_lora import ClipLora, ClipLoraSettings
from adapters.lora import Lora, LoraSettings
from workbench.plugin import split_attention
from workbench.recipes import recipes
from workbench.training.lora_targets import find_targets

FAST = {"epochs": 12, "learning_rate": 2e-2, "scale": 20.0}


def adapted(predictor):
    layers = dict(predictor.loaded.network.named_modules())
    return {name: layer for name, layer in layers.items() if hasattr(layer, "lora_A") and layer.lora_A}


def test_adapts_query_key_and_value_of_both_towers(model, colour_task):
    task, test = colour_task(model("vit"))
    predictor = ClipLora(ClipLoraSettings(**FAST)).fit(task)
    found = adapted(predictor)
    stacks = ("visual.transformer", "transformer")
    expected = {f"{stack}.resblocks.{i}.attn.{x}_proj" for stack in stacks for i in range(2) for x in "qkv"}
    assert set(found) == expected
    for layer in found.values():
        assert layer.scaling["default"] == pytest.approx(1 / 2**0.5)
        assert layer.lora_A["default"].weight.shape[0] == 2
        assert layer.lora_dropout["default"].p == 0.25
    assert float((predictor.scores(test.images).argmax(axis=1) == test.labels).mean()) >= 0.8


@pytest.mark.parametrize(
    ("architecture", "tower", "endings"),
    [
        ("resnet", "image", {"q_proj", "k_proj", "v_proj"}),
        ("timm-vit", "image", {"qkv"}),
        ("hf-text", "text", {"query", "key", "value"}),
    ],
)
def test_finds_queries_keys_and_values_by_any_name(model, architecture, tower, endings):
    network = model(architecture).load().network
    split_attention(network)
    names = find_targets(network, [tower], "query-key-value")
    assert {name.rpartition(".")[2] for name in names} == endings
    assert all(isinstance(network.get_submodule(name), torch.nn.Linear) for name in names)


def test_a_tower_without_attention_gets_loras_targets(model):
    network = model("efficientnet").load().network
    split_attention(network)
    expected = find_targets(network, ["image"], None)
    assert find_targets(network, ["image"], "query-key-value") == expected
    both = find_targets(network, ["image", "text"], "query-key-value")
    assert both[: len(expected)] == expected
    assert {name.rpartition(".")[2] for name in both[len(expected) :]} == {"q_proj", "k_proj", "v_proj"}


def test_it_is_lora_with_other_settings(model, colour_task):
    task, test = colour_task(model("vit"))
    short = {"epochs": 2, "learning_rate": 1e-2}
    preset = ClipLora(ClipLoraSettings(**short)).fit(task)
    spelt = Lora(
        LoraSettings(
            rank=2,
            alpha=1.0,
            use_rslora=True,
            dropout=0.25,
            towers="both",
            targets="query-key-value",
            batch_size=32,
            warmup=0,
            min_crop=0.08,
            prompts="single",
            **short,
        )
    ).fit(task)
    assert (preset.scores(test.images) == spelt.scores(test.images)).all()


def test_it_is_registered_and_restored(model, colour_task, tmp_path):
    assert recipes.get("clip-lora") is ClipLora
    task, test = colour_task(model("vit"))
    predictor = ClipLora(ClipLoraSettings(epochs=1)).fit(task)
    folder = tmp_path / "predictor"
    folder.mkdir()
    predictor.save(folder)
    assert (ClipLora.restore(folder, task.model, "cpu").scores(test.images) == predictor.scores(test.images)).all()


@pytest.mark.parametrize(
    ("recipe", "settings", "expected"),
    [
        (ClipLora, {}, 1 / 2**0.5),
        (ClipLora, {"rank": 8}, 1 / 8**0.5),
        (ClipLora, {"rank": 4, "alpha": 3.0}, 3 / 2),
        (Lora, {"rank": 4}, 1.0),
        (Lora, {"rank": 4, "alpha": 2.0}, 0.5),
        (Lora, {"rank": 4, "use_rslora": True}, 1.0),
    ],
)
def test_adapters_are_multiplied_by_what_the_settings_promise(model, colour_task, recipe, settings, expected):
    """Of the function itself, not of a field: the output's change is the multiplier times B A x."""
    task, _ = colour_task(model("vit"), train=2)
    predictor = recipe(recipe.Config(epochs=1, dropout=0.0, **settings)).fit(task)
    layer = next(iter(adapted(predictor).values()))
    x = torch.randn(3, layer.in_features, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        product = x @ layer.lora_A["default"].weight.T @ layer.lora_B["default"].weight.T
        change = layer(x) - layer.get_base_layer()(x)
    assert product.abs().max() > 0
    torch.testing.assert_close(change, expected * product, rtol=1e-3, atol=1e-6)


def test_the_paper_preset_takes_500_steps_a_shot_and_keeps_the_last(model, colour_task):
    from dataclasses import replace

    task, _ = colour_task(model("vit"), train=2)
    recipe = ClipLora(ClipLoraSettings(preset="paper"))
    assert recipe.budget(replace(task, shots=2)).steps == 1000
    assert recipe.budget(replace(task, shots=None)).steps == 1000
    assert ClipLora(ClipLoraSettings()).budget(task) is None
    report = ClipLora(ClipLoraSettings(preset="paper", epochs=3)).fit(task).report
    assert report.chosen["epoch"] == 3
    assert len(report.history["train_loss"]) == 3
    assert report.trials == []
    assert "published" in report.notes[0]
