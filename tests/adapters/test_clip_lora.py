"""The preset puts adapters where the paper does, multiplied by what its code multiplies by."""

import pytest
import torch

from adapters.clip_lora import ClipLora, ClipLoraSettings
from adapters.lora import Lora, LoraSettings
from adapters.lora.targets import find_targets
from workbench import split_attention
from workbench.recipes import recipes

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
            alpha=2**0.5,
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
