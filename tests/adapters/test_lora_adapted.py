"""Adapters do what the formula says, once, and survive saving, restoring, merging and export."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from adapters.lora import Lora, LoraSettings
from workbench.models import save_checkpoint
from workbench.plugin import AdaptedModel, Compute, Predictor, RecipeError, split_attention

ARCHITECTURES = ["vit", "resnet", "efficientnet", "timm-vit", "convnext", "hf-text"]
SHORT = {"epochs": 2, "learning_rate": 1e-2, "batch_size": 6, "scale": 20.0}


def adapted_model(network, towers=("image", "text")):
    return AdaptedModel.create(network, Compute("cpu", "fp32"), towers, None, rank=2, alpha=6.0, dropout=0.0)


def shake(adapted):
    """Give every adapter an effect."""
    with torch.no_grad():
        for parameter in adapted.parameters().values():
            parameter.add_(torch.randn_like(parameter) * 0.1)


def outputs(loaded):
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return loaded.image_features(pixels)[1], loaded.text_features(loaded.tokenizer(["a photo of a red.", "blue"]))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_new_adapters_change_nothing(model, architecture):
    network = model(architecture)
    for before, after in zip(outputs(network.load()), outputs(adapted_model(network).loaded), strict=True):
        torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_adapter_counts_exactly_once(model, architecture):
    """The network with adapters equals one whose weights were changed by hand to W + alpha / rank * B A."""
    network = model(architecture)
    adapted = adapted_model(network)
    shake(adapted)
    by_hand = network.load()
    split_attention(by_hand.network)
    weights = adapted.parameters()
    names = [name.removesuffix(".lora_A.default.weight") for name in weights if ".lora_A." in name]
    with torch.no_grad():
        for name in names:
            a, b = (weights[f"{name}.lora_{factor}.default.weight"] for factor in "AB")
            weight = by_hand.network.get_submodule(name).weight
            weight += (6.0 / 2) * (b.flatten(1) @ a.flatten(1)).reshape(weight.shape)
    assert len(names) * 2 == len(weights) > 0
    changed = False
    for base, expected, found in zip(outputs(network.load()), outputs(by_hand), outputs(adapted.loaded), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)
        changed |= not torch.allclose(base, expected, atol=1e-3)
    assert changed


def test_adapters_stay_in_their_tower(model):
    """The names of one tower's layers can be the ends of the other's."""
    network = model("vit")
    image, text = (list(adapted_model(network, [tower]).parameters()) for tower in ("image", "text"))
    assert all(name.startswith("visual.") for name in image)
    assert not any(name.startswith("visual.") for name in text)
    assert len(image) == len(text) == 2 * 2 * 4


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_adapter_gets_a_gradient(model, architecture):
    """A layer whose weight is read without calling it would ignore its adapter without a word."""
    adapted = adapted_model(model(architecture))
    shake(adapted)
    loaded = adapted.loaded
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    image, text = (
        loaded.image_features(pixels)[1],
        loaded.text_features(loaded.tokenizer(["a photo of a red.", "blue"])),
    )
    (image.square().sum() + text.square().sum()).backward()
    assert [name for name, parameter in adapted.parameters().items() if parameter.grad is None] == []


def test_only_adapters_are_trained_and_statistics_stay(model, colour_task):
    network = model("efficientnet")
    task, _ = colour_task(network)
    adapted = Lora(LoraSettings(**SHORT)).fit(task).loaded.network.state_dict()
    base = network.load().network.visual.state_dict(prefix="visual.")
    assert any("running_mean" in name for name in base)
    for name, value in base.items():
        layer, _, leaf = name.rpartition(".")
        found = adapted[name] if name in adapted else adapted[f"{layer}.base_layer.{leaf}"]
        assert torch.equal(found, value), name


@pytest.mark.parametrize("towers", ["image", "text", "both"])
def test_saved_and_restored_scores_are_equal(model, colour_task, tmp_path, towers):
    network = model("efficientnet")
    task, test = colour_task(network)
    predictor = Lora(LoraSettings(towers=towers, **SHORT)).fit(task)
    folder = tmp_path / "predictor"
    folder.mkdir()
    predictor.save(folder)
    restored = Lora.restore(folder, network, "cpu")
    np.testing.assert_array_equal(restored.scores(test.images), predictor.scores(test.images))
    assert restored.scale == 20.0


def test_peft_reads_what_is_saved(model, colour_task, tmp_path):
    import peft

    network = model("vit")
    task, _ = colour_task(network)
    predictor = Lora(LoraSettings(towers="both", **SHORT)).fit(task)
    predictor.save(tmp_path)
    loaded = network.load()
    split_attention(loaded.network)
    peft.PeftModel.from_pretrained(loaded.network, str(tmp_path))
    for found, expected in zip(outputs(loaded), outputs(predictor.loaded), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["vit", "resnet", "efficientnet", "timm-vit", "hf-text"])
def test_merged_model_gives_the_same_features(model, architecture, tmp_path):
    network = model(architecture)
    adapted = adapted_model(network)
    shake(adapted)
    expected = outputs(adapted.loaded)
    merged = adapted.merged(network, 20.0)
    for found, wanted in zip(outputs(merged), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-3)
    assert merged.logit_scale == pytest.approx(20.0)
    assert merged.network.state_dict().keys() == network.load().network.state_dict().keys()
    # The adapted model itself is as it was.
    for found, wanted in zip(outputs(adapted.loaded), expected, strict=True):
        assert torch.equal(found, wanted)


STOCK = """
import sys
import numpy as np
import open_clip
import torch

folder, out = sys.argv[1:]
network, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
pixels = torch.from_numpy(np.load(f"{out}/pixels.npy"))
with torch.no_grad():
    image = network.eval().encode_image(pixels, normalize=True)
    sentences = [f"a photo of a {name}." for name in ("red", "green", "blue")]
    text = network.encode_text(tokenizer(sentences), normalize=True)
    np.save(f"{out}/logits.npy", network.logit_scale.exp() * image @ text.T)
assert "workbench" not in sys.modules
"""


def test_stock_open_clip_gives_equal_logits_from_an_export(model, colour_task, tmp_path):
    network = model("vit")
    task, test = colour_task(network)
    predictor = Lora(LoraSettings(towers="both", prompts="single", **SHORT)).fit(task)
    save_checkpoint(predictor.merged(network), tmp_path / "exported")
    preprocess = network.load().preprocess
    np.save(tmp_path / "pixels.npy", np.stack([preprocess(test.images.decode(i)).numpy() for i in range(24)]))
    subprocess.run([sys.executable, "-c", STOCK, str(tmp_path / "exported"), str(tmp_path)], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), predictor.scores(test.images), atol=2e-3)


def test_recipes_that_change_no_weights_have_nothing_to_merge(model):
    class Constant(Predictor):
        def scores(self, images):
            return np.zeros((len(images), 2), np.float32)

    with pytest.raises(RecipeError, match="nothing to merge or export"):
        Constant().merged(model("vit"))
