"""The recipe as a user meets it: it learns, reports, repeats itself, and says what is wrong."""

import numpy as np
import pytest

from adapters.lora import Lora
from adapters.zero_shot import ZeroShot
from workbench.plugin import RecipeError

FAST = {"epochs": 8, "learning_rate": 1e-2, "batch_size": 6, "scale": 20.0}
SHORT = {**FAST, "epochs": 2}


def fitted(task, **settings):
    return Lora(Lora.Config(**settings)).fit(task)


def zero_shot(task):
    return ZeroShot(ZeroShot.Config()).fit(task)


def accuracy(predictor, test):
    return float((predictor.scores(test.images).argmax(axis=1) == test.labels).mean())


@pytest.mark.parametrize("architecture", ["vit", "resnet", "efficientnet", "timm-vit", "convnext"])
def test_learns_what_zero_shot_does_not_know(model, colour_task, architecture):
    task, test = colour_task(model(architecture))
    before, after = accuracy(zero_shot(task), test), accuracy(fitted(task, **FAST), test)
    assert after >= 0.9
    assert after > before + 0.2


@pytest.mark.parametrize(("architecture", "towers"), [("vit", "text"), ("vit", "both"), ("hf-text", "text")])
def test_learns_through_the_text_tower(model, colour_task, architecture, towers):
    task, test = colour_task(model(architecture), train=8)
    predictor = fitted(task, towers=towers, **{**FAST, "epochs": 16, "scale": 50.0})
    assert accuracy(predictor, test) >= max(0.6, accuracy(zero_shot(task), test) + 0.2)


def test_text_adapters_leave_image_features_alone(model, colour_task):
    task, test = colour_task(model("vit"))
    predictor = fitted(task, towers="text", **SHORT)
    unit = test.images.features.projected / np.linalg.norm(test.images.features.projected, axis=1, keepdims=True)
    np.testing.assert_allclose(predictor.scores(test.images), 20 * unit @ predictor.classes.T, rtol=1e-5, atol=1e-5)


def test_report_says_what_was_tried_and_chosen(model, colour_task):
    task, _ = colour_task(model("vit"))
    report = fitted(task, rank=4, **FAST).report
    # Two blocks, four projections, A and B of 32 x 4.
    assert report.trainable_parameters == 2 * 4 * 2 * 32 * 4
    assert [trial["epoch"] for trial in report.trials] == list(range(9))
    assert {name: len(values) for name, values in report.history.items()} == {
        "train_loss": 8, "val_accuracy": 8, "val_nll": 8,
    }  # fmt: skip
    best = max(report.trials, key=lambda trial: (trial["val_accuracy"], trial["epoch"]))
    assert report.chosen == {"epoch": best["epoch"]}


def test_keeps_the_epoch_that_it_reports(model, colour_task):
    task, _ = colour_task(model("vit"))
    predictor = fitted(task, **FAST)
    logits = predictor.scores(task.val.images)
    trial = predictor.report.trials[predictor.report.chosen["epoch"]]
    assert (logits.argmax(axis=1) == task.val.labels).mean() == pytest.approx(trial["val_accuracy"])
    log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    assert -log_p[np.arange(len(logits)), task.val.labels].mean() == pytest.approx(trial["val_nll"], abs=1e-4)


@pytest.mark.parametrize("architecture", ["vit", "efficientnet"])
@pytest.mark.parametrize("refit", [False, True])
def test_shares_of_what_was_learned_lie_on_the_line_between_the_weights(model, colour_task, architecture, refit):
    network = model(architecture)
    task, test = colour_task(network, refit=refit)

    def weights(alpha):
        return fitted(task, wise_alphas=(alpha,), **FAST).merged(network).network.state_dict()

    start, half, end = map(weights, (0.0, 0.5, 1.0))
    moved = [name for name in end if not np.array_equal(start[name], end[name])]
    assert moved
    for name in moved:
        np.testing.assert_allclose(half[name], (start[name] + end[name]) / 2, atol=1e-5)
    pretrained = fitted(task, wise_alphas=(0.0,), **FAST).scores(test.images)
    np.testing.assert_allclose(pretrained, 20 * _cosines(task, test), atol=1e-3)


def test_validation_chooses_the_share(model, colour_task):
    task, _ = colour_task(model("vit"))
    report = fitted(task, wise_alphas=(0.0, 0.5, 1.0), **FAST).report
    assert report.chosen["alpha"] in {0.5, 1.0}
    with pytest.raises(ValueError, match="wise_alphas"):
        Lora.Config(wise_alphas=(1.5,))


def _cosines(task, test):
    x = test.images.features.projected
    return x / np.linalg.norm(x, axis=1, keepdims=True) @ zero_shot(task).weight.T


def test_same_seed_same_scores_and_another_seed_others(model, colour_task):
    network = model("efficientnet")
    first, again, other = (
        fitted(task, dropout=0.2, **SHORT).scores(test.images)
        for task, test in (colour_task(network, seed=seed) for seed in (0, 0, 1))
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_fitting_leaves_the_random_state_of_torch_alone(model, colour_task):
    import torch

    task, _ = colour_task(model("vit"))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fitted(task, **SHORT)
    assert torch.equal(torch.rand(3), expected)


def test_without_validation_the_last_epoch_is_kept(model, colour_task):
    task, test = colour_task(model("vit"), val=0)
    predictor = fitted(task, **FAST)
    assert predictor.report.chosen == {"epoch": 8}
    assert predictor.report.trials == []
    assert "no validation split" in predictor.report.notes[0]
    assert accuracy(predictor, test) >= 0.9


def test_refit_uses_validation_images_too(model, colour_task):
    network = model("vit")
    plain, refitted = (fitted(colour_task(network, refit=refit)[0], **FAST) for refit in (False, True))
    assert refitted.report.chosen == plain.report.chosen
    assert "train and validation" in refitted.report.notes[-1]
    _, test = colour_task(network)
    assert np.abs(plain.scores(test.images) - refitted.scores(test.images)).max() > 1e-3
    assert accuracy(refitted, test) >= 0.9


def test_a_long_tail_and_a_class_without_training_images(model, colour_task):
    task, test = colour_task(model("vit"), train=(9, 1, 0))
    scores = fitted(task, **SHORT).scores(test.images)
    assert scores.shape == (24, 3)
    assert np.isfinite(scores).all()


def test_multi_label_learns_and_is_calibrated_from_the_start(model, colour_task):
    task, test = colour_task(model("vit"), train=16, val=6, multi_label=True)
    predictor = fitted(task, **{**FAST, "epochs": 20, "batch_size": 8})
    # Without an offset every cosine of a dual encoder would say yes.
    assert predictor.report.trials[0]["val_nll"] < 1.5
    scores = predictor.scores(test.images)
    truth = test.labels.astype(bool)
    ordered = [(scores[truth[:, c], c][:, None] > scores[~truth[:, c], c]).mean() for c in range(3)]
    assert np.mean(ordered) > 0.9


def test_scores_depend_on_neither_order_nor_company(model, colour_task):
    task, test = colour_task(model("efficientnet"))
    predictor = fitted(task, **SHORT)
    whole = predictor.scores(test.images)
    order = np.array([17, 3, 9])
    np.testing.assert_allclose(predictor.scores(test.images.subset(order)), whole[order], atol=1e-4)
    assert predictor.scores(test.images.subset([])).shape == (0, 3)


def test_a_loss_that_is_not_finite_says_what_to_do(model, colour_task):
    task, _ = colour_task(model("vit"))
    with pytest.raises(RecipeError, match=r"lora: the training loss became nan in epoch \d+ of 8; lower learning_rate"):
        fitted(task, **{**FAST, "learning_rate": 1e30})


def test_no_training_images_is_an_error(model, colour_task):
    task, _ = colour_task(model("vit"), train=0)
    with pytest.raises(RecipeError, match="no training images"):
        fitted(task)


def test_a_frozen_model_is_refused_by_its_reason(model, colour_task, monkeypatch):
    network = model("vit")
    task, _ = colour_task(network)
    loaded = network.load()
    loaded.frozen_reason = "it has no head"
    monkeypatch.setattr(network, "load", lambda: loaded)
    with pytest.raises(RecipeError, match="cannot be adapted: it has no head"):
        fitted(task)


@pytest.mark.parametrize(
    "wrong", [{"rank": 0}, {"dropout": 1.0}, {"targets": ()}, {"towers": "all"}, {"learning_rates": 1e-3}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Lora.Config(**wrong)
