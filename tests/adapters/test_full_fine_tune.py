"""All weights are trained; WiSE-FT's line ends in the pretrained and in the fine-tuned model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adapters.full_fine_tune import FullFineTune, FullFineTuneSettings
from adapters.zero_shot import ZeroShot
from workbench.models import save_checkpoint
from workbench.plugin import RecipeError, TunedClassifier, tower_parameters

FAST = {"epochs": 6, "learning_rate": 3e-3, "batch_size": 6, "scale": 20.0, "prompts": "single"}


def fitted(task, **settings):
    return FullFineTune(FullFineTuneSettings(**{**FAST, **settings})).fit(task)


def accuracy(predictor, test):
    return float((predictor.scores(test.images).argmax(axis=1) == test.labels).mean())


def weights(loaded):
    return {name: p.detach() for name, p in loaded.network.named_parameters() if name != "logit_scale"}


@pytest.mark.parametrize("architecture", ["vit", "efficientnet"])
def test_learns_what_zero_shot_does_not_know(model, colour_task, architecture):
    task, test = colour_task(model(architecture))
    before = accuracy(ZeroShot(ZeroShot.Config()).fit(task), test)
    assert accuracy(fitted(task), test) >= max(0.8, before + 0.2)


@pytest.mark.parametrize("towers", ["image", "both"])
def test_alpha_0_and_1_are_the_ends_and_between_is_the_mean(model, colour_task, towers):
    network = model("vit")
    task, test = colour_task(network)
    pretrained, half, tuned = (fitted(task, towers=towers, alphas=(alpha,)) for alpha in (0.0, 0.5, 1.0))
    base = weights(network.load())
    ends = [weights(predictor.merged(network)) for predictor in (pretrained, half, tuned)]
    for name, value in base.items():
        assert torch.equal(ends[0][name], value), name
        torch.testing.assert_close(ends[1][name], (value + ends[2][name]) / 2, msg=name)
    assert any(not torch.equal(ends[2][name], value) for name, value in base.items())
    zero_shot = ZeroShot(ZeroShot.Config(prompts="single")).fit(task).scores(test.images) / network.logit_scale
    np.testing.assert_allclose(pretrained.scores(test.images) / 20, zero_shot, atol=1e-4)


def test_plain_fine_tuning_is_alpha_1(model, colour_task):
    """Against the engine's own training of the same parameters, which knows no alpha."""
    task, test = colour_task(model("efficientnet"))
    settings = FullFineTuneSettings(**FAST, alphas=(1.0,))
    plain = TunedClassifier.fit(
        task, settings, lambda network: tower_parameters(network, ["image"]), learning_rate=lambda _: 3e-3
    )
    np.testing.assert_array_equal(FullFineTune(settings).fit(task).scores(test.images), plain.scores(test.images))


def test_validation_chooses_the_best_of_the_grid(model, colour_task):
    task, _ = colour_task(model("vit"), val=8)
    predictor = fitted(task)
    chosen = predictor.report.chosen
    tried = {trial["alpha"]: trial["val_accuracy"] for trial in predictor.report.trials if "alpha" in trial}
    assert list(tried) == [round(0.1 * i, 1) for i in range(11)]
    assert tried[chosen["alpha"]] == max(tried.values())
    by_epoch = {trial["epoch"]: trial["val_accuracy"] for trial in predictor.report.trials if "alpha" not in trial}
    assert tried[0.0] == by_epoch[0]
    assert tried[1.0] == by_epoch[chosen["epoch"]]
    # What is reported is what is kept.
    assert accuracy(predictor, task.val) == pytest.approx(tried[chosen["alpha"]])


def test_without_validation_the_default_alpha_is_taken(model, colour_task):
    task, test = colour_task(model("vit"), val=0)
    default, given = fitted(task), fitted(task, alphas=(0.5,))
    assert default.report.chosen == {"epoch": 6, "alpha": 0.5}
    np.testing.assert_array_equal(default.scores(test.images), given.scores(test.images))


def test_refit_goes_as_far_as_validation_chose(model, colour_task):
    network = model("vit")
    plain, again = (fitted(colour_task(network, refit=refit)[0], alphas=(0.3,)) for refit in (False, True))
    assert again.report.chosen == plain.report.chosen
    full = fitted(colour_task(network, refit=True)[0], alphas=(1.0,))
    base, end = weights(network.load()), weights(full.merged(network))
    for name, value in weights(again.merged(network)).items():
        torch.testing.assert_close(value, 0.7 * base[name] + 0.3 * end[name], msg=name)


def test_training_that_does_harm_is_not_kept(model, colour_task):
    network = model("vit")
    task, _ = colour_task(network)
    zero_shot = ZeroShot(ZeroShot.Config(prompts="single")).fit(task)
    labels = zero_shot.scores(task.val.images).argmax(axis=1)
    report = fitted(replace(task, val=replace(task.val, labels=labels))).report
    assert report.chosen == {"epoch": 0}


def test_other_tower_and_statistics_stay(model, colour_task):
    network = model("efficientnet")
    task, _ = colour_task(network, val=0)
    base = network.load().network.state_dict()
    now = fitted(task, alphas=(1.0,)).merged(network).network.state_dict()
    same = {name for name in base if torch.equal(base[name], now[name])}
    assert {name for name in base if name.startswith("text.") or "running_" in name} <= same
    assert not any(name in same for name in base if name.endswith("conv_pw.weight"))


@pytest.mark.parametrize("towers", ["image", "text", "both"])
def test_saved_restored_and_exported(model, colour_task, tmp_path, towers):
    network = model("vit")
    task, test = colour_task(network, train=(6, 1, 0))
    predictor = fitted(task, towers=towers, epochs=2)
    folder = tmp_path / "predictor"
    folder.mkdir()
    predictor.save(folder)
    restored = FullFineTune.restore(folder, network, "cpu")
    whole = predictor.scores(test.images)
    np.testing.assert_array_equal(restored.scores(test.images), whole)
    np.testing.assert_allclose(restored.scores(test.images.subset([11, 4])), whole[[11, 4]], atol=1e-4)
    # `save_checkpoint` loads what it wrote with stock open_clip and compares.
    save_checkpoint(restored.merged(network), tmp_path / "exported")


def test_multi_label(model, colour_task):
    task, test = colour_task(model("vit"), train=8, multi_label=True)
    assert np.isfinite(fitted(task, epochs=2).scores(test.images)).all()


def test_no_training_images_is_an_error(model, colour_task):
    task, _ = colour_task(model("vit"), train=0)
    with pytest.raises(RecipeError, match="full-fine-tune: there are no training images"):
        fitted(task)


@pytest.mark.parametrize("wrong", [{"alphas": ()}, {"alphas": (0.5, 1.5)}, {"towers": "all"}, {"alpha": 0.5}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FullFineTuneSettings(**wrong)
