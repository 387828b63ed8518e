"""Norms and biases alone: they learn, and no other weight moves."""

import numpy as np
import pytest
import torch

from adapters.bias_norm_tuning import BiasNormTuning, BiasNormTuningSettings
from adapters.zero_shot import ZeroShot
from workbench.models import save_checkpoint
from workbench.plugin import RecipeError

FAST = {"epochs": 10, "learning_rate": 3e-2, "batch_size": 6, "scale": 20.0}
SHORT = {**FAST, "epochs": 2}
TEXT_TOWER_OF_CLIP = {"token_embedding", "positional_embedding", "transformer", "ln_final", "text_projection"}


def fitted(task, **settings):
    return BiasNormTuning(BiasNormTuningSettings(**settings)).fit(task)


def accuracy(predictor, test):
    return float((predictor.scores(test.images).argmax(axis=1) == test.labels).mean())


def moved(predictor, network):
    """Names of parameters and buffers that differ from the base model's."""
    base = network.load().network.state_dict()
    now = predictor.merged(network).network.state_dict()
    assert base.keys() == now.keys()
    return {name for name in base if not torch.equal(base[name], now[name])} - {"logit_scale"}


def by_hand(network):
    """Names of the parameters of norms, and of all biases, found by what they are called."""
    names = [name for name, _ in network.load().network.named_parameters() if not name.startswith("logit_")]
    norms = {name for name in names if any(kind in name.lower() for kind in ("ln_", "norm", "bn"))}
    return norms, {name for name in names if name.endswith("bias")}


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [("vit", "norm"), ("vit", "both"), ("timm-vit", "norm"), ("convnext", "norm")],
)
def test_learns_what_zero_shot_does_not_know(model, colour_task, architecture, parameters):
    task, test = colour_task(model(architecture))
    before = accuracy(ZeroShot(ZeroShot.Config()).fit(task), test)
    assert accuracy(fitted(task, parameters=parameters, **FAST), test) >= max(0.8, before + 0.2)


@pytest.mark.parametrize(
    ("architecture", "parameters"), [("resnet", "norm"), ("efficientnet", "norm"), ("efficientnet", "bias")]
)
def test_batch_norms_and_biases_lower_the_loss(model, colour_task, architecture, parameters):
    """They cannot do much in shallow random networks, whose statistics are no one's: accuracy would ask too much."""
    task, _ = colour_task(model(architecture), val=0)
    losses = fitted(task, parameters=parameters, **FAST).report.history["train_loss"]
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("architecture", ["vit", "efficientnet", "hf-text"])
@pytest.mark.parametrize("parameters", ["norm", "bias", "both"])
def test_only_what_was_asked_for_is_trained(model, colour_task, architecture, parameters):
    network = model(architecture)
    task, _ = colour_task(network, val=0)
    predictor = fitted(task, parameters=parameters, towers="both", **SHORT)
    norms, biases = by_hand(network)
    wanted = {"norm": norms, "bias": biases, "both": norms | biases}[parameters]
    found = moved(predictor, network)
    assert found <= wanted
    # Biases of keys change no attention, so not every one must move.
    assert len(found) > 0.7 * len(wanted)
    sizes = {name: p.numel() for name, p in network.load().network.named_parameters()}
    assert predictor.report.trainable_parameters == sum(sizes[name] for name in wanted)


@pytest.mark.parametrize(("towers", "image"), [("image", True), ("text", False)])
def test_only_the_tower_that_was_asked_for_is_trained(model, colour_task, towers, image):
    network = model("vit")
    task, test = colour_task(network, val=0)
    predictor = fitted(task, parameters="both", towers=towers, **SHORT)
    found = {name.split(".")[0] for name in moved(predictor, network)}
    assert found == {"visual"} if image else found <= TEXT_TOWER_OF_CLIP
    assert np.isfinite(predictor.scores(test.images)).all()


@pytest.mark.parametrize("towers", ["image", "text", "both"])
def test_saved_restored_and_merged_scores_are_equal(model, colour_task, tmp_path, towers):
    network = model("efficientnet")
    task, test = colour_task(network)
    predictor = fitted(task, towers=towers, parameters="both", prompts="single", **SHORT)
    folder = tmp_path / "predictor"
    folder.mkdir()
    predictor.save(folder)
    restored = BiasNormTuning.restore(folder, network, "cpu")
    whole = predictor.scores(test.images)
    np.testing.assert_array_equal(restored.scores(test.images), whole)
    np.testing.assert_allclose(restored.scores(test.images.subset([9, 1])), whole[[9, 1]], atol=1e-4)
    merged = restored.merged(network)
    with torch.no_grad():
        pixels = torch.stack([merged.preprocess(test.images.decode(i)) for i in range(len(test))])
        sentences = [f"a photo of a {name}." for name in task.class_names]
        image = merged.network.encode_image(pixels, normalize=True)
        text = merged.network.encode_text(merged.tokenizer(sentences), normalize=True)
    np.testing.assert_allclose(merged.logit_scale * (image @ text.T).numpy(), whole, atol=2e-3)


def test_a_merged_model_is_exported_and_loads_again(model, colour_task, tmp_path):
    network = model("vit")
    task, _ = colour_task(network)
    # `save_checkpoint` loads what it wrote with stock open_clip and compares.
    save_checkpoint(fitted(task, **SHORT).merged(network), tmp_path / "exported")
    assert (tmp_path / "exported" / "open_clip_model.safetensors").is_file()


def test_long_tails_multi_label_and_refit(model, colour_task):
    network = model("efficientnet")
    task, test = colour_task(network, train=(7, 1, 0))
    assert np.isfinite(fitted(task, **SHORT).scores(test.images)).all()
    task, test = colour_task(network, train=6, multi_label=True, refit=True)
    assert np.isfinite(fitted(task, **SHORT).scores(test.images)).all()


def test_a_model_that_cannot_be_trained_is_refused(model, colour_task, monkeypatch):
    network = model("vit")
    task, _ = colour_task(network)
    loaded = network.load()
    loaded.frozen_reason = "it has no head"
    monkeypatch.setattr(network, "load", lambda: loaded)
    with pytest.raises(RecipeError, match=r"bias-norm-tuning: model .* cannot be adapted: it has no head"):
        fitted(task)


def test_a_tower_without_such_parameters_is_refused(model, colour_task, monkeypatch):
    network = model("efficientnet")
    task, _ = colour_task(network)
    loaded = network.load()
    loaded.network.visual.trunk = torch.nn.Conv2d(3, 24, 1, bias=False)
    monkeypatch.setattr(network, "load", lambda: loaded)
    with pytest.raises(RecipeError, match=r"bias-norm-tuning: model .* has no such parameters"):
        fitted(task)


def test_no_training_images_is_an_error(model, colour_task):
    task, _ = colour_task(model("vit"), train=0)
    with pytest.raises(RecipeError, match="bias-norm-tuning: there are no training images"):
        fitted(task)


@pytest.mark.parametrize("wrong", [{"parameters": "norms"}, {"towers": "all"}, {"learning_rate": 0}, {"rank": 2}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BiasNormTuningSettings(**wrong)
