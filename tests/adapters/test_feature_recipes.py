"""Zero-shot, linear probe and majority class on planted features, against ten-line references."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression

from adapters.linear_probe import LinearProbe, LinearProbeConfig
from adapters.majority_class import MajorityClass
from adapters.zero_shot import ZeroShot, ZeroShotConfig
from workbench.datasets.prompts import ClassPrompts
from workbench.plugin import RecipeConfig, normalise
from workbench.testing import one_hot, planted_task


def accuracy(predictor, test):
    return float((predictor.scores(test.images).argmax(axis=1) == test.labels).mean())


def test_zero_shot_is_scaled_cosine_with_the_class_embeddings():
    task, test = planted_task(text_noise=0.3)
    predictor = ZeroShot(ZeroShotConfig(prompts="single")).fit(task)
    text = normalise(task.model.encode_texts([f"a photo of a {name}." for name in task.class_names]))
    expected = 100 * normalise(test.images.features.projected) @ text.T
    np.testing.assert_allclose(predictor.scores(test.images), expected, rtol=1e-4, atol=1e-3)
    assert accuracy(predictor, test) > 0.9


def test_zero_shot_mix_lies_between_ensemble_and_descriptions():
    task, test = planted_task()
    swapped = {task.class_names[0]: (f"really a {task.class_names[1]}",)}
    task = replace(task, prompts=ClassPrompts(task.class_names, task.prompts.templates, swapped))
    by_share = [
        ZeroShot(ZeroShotConfig(prompts="mix", description_weight=share)).fit(task).scores(test.images)
        for share in (0.0, 1.0)
    ]
    ensemble = ZeroShot(ZeroShotConfig(prompts="ensemble")).fit(task).scores(test.images)
    described = ZeroShot(ZeroShotConfig(prompts="descriptions")).fit(task)
    np.testing.assert_allclose(by_share[0], ensemble, atol=1e-4)
    np.testing.assert_allclose(by_share[1], described.scores(test.images), atol=1e-4)
    assert "have no description" in described.report.notes[0]


def test_linear_probe_is_scikit_learns_at_the_chosen_penalty():
    task, test = planted_task(noise=1.5)
    config = LinearProbeConfig(features="projected", penalties=(1e-4, 1e-3, 1e-2), tolerance=1e-9)
    predictor = LinearProbe(config).fit(task)
    x = normalise(task.train.images.features.projected)
    penalty = predictor.report.chosen["penalty"]
    reference = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-10, max_iter=20000).fit(x, task.train.labels)
    expected = reference.decision_function(normalise(test.images.features.projected))
    found = predictor.scores(test.images)
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    expected -= expected.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found - found.mean(axis=1, keepdims=True), expected, atol=1e-2)


def test_linear_probe_tries_every_penalty_in_both_feature_spaces():
    task, _ = planted_task(noise=2.0, val_shots=10)
    report = LinearProbe(LinearProbeConfig()).fit(task).report
    tried = {(trial["features"], trial["penalty"]) for trial in report.trials}
    assert tried == {(space, p) for space in ("pooled", "projected") for p in LinearProbeConfig().penalties}


def test_an_end_of_the_grid_of_penalties_is_noted():
    task, _ = planted_task(noise=2.0, val_shots=10)
    narrow, wide = (LinearProbe(LinearProbeConfig(penalties=p)).fit(task) for p in ((1e-1, 1.0), (1e-8, 1e-4, 1.0)))
    assert any("end of the grid of penalties (0.1)" in note for note in narrow.report.notes)
    assert not wide.report.notes


def test_refit_uses_validation_images_too():
    task, _ = planted_task()
    plain = LinearProbe(LinearProbeConfig()).fit(task)
    refit = LinearProbe(LinearProbeConfig()).fit(replace(task, refit=True))
    assert plain.report.chosen == refit.report.chosen
    assert not np.allclose(plain.weight, refit.weight)


def test_majority_class_scores_are_log_frequencies():
    task, test = planted_task(n_classes=3)
    labels = np.array([0] * 5 + [2] * 3)
    task = replace(task, train=replace(task.train.subset(np.arange(8)), labels=labels))
    scores = MajorityClass(RecipeConfig()).fit(task).scores(test.images)
    np.testing.assert_allclose(np.exp(scores[0]), [6 / 11, 1 / 11, 4 / 11], rtol=1e-5)


@pytest.mark.parametrize(
    "recipe", [ZeroShot(ZeroShotConfig()), LinearProbe(LinearProbeConfig()), MajorityClass(RecipeConfig())]
)
def test_scores_depend_neither_on_order_nor_on_batches_and_survive_saving(recipe, tmp_path):
    task, test = planted_task()
    predictor = recipe.fit(task)
    whole = predictor.scores(test.images)
    order = np.random.default_rng(0).permutation(len(test))
    np.testing.assert_allclose(predictor.scores(test.images.subset(order)), whole[order], atol=1e-4)
    np.testing.assert_allclose(predictor.scores(test.images.subset([3])), whole[[3]], atol=1e-4)
    predictor.save(tmp_path)
    restored = type(recipe).restore(tmp_path, task.model, "cpu")
    np.testing.assert_allclose(restored.scores(test.images), whole, atol=1e-5)


@pytest.mark.parametrize(
    "recipe", [ZeroShot(ZeroShotConfig()), LinearProbe(LinearProbeConfig()), MajorityClass(RecipeConfig())]
)
def test_long_tails_and_multi_label_run(recipe):
    task, test = planted_task(n_classes=4)
    rare = np.concatenate([np.arange(16), [16, 32, 48]])
    scores = recipe.fit(replace(task, train=task.train.subset(rare))).scores(test.images)
    assert scores.shape == (len(test), 4)
    multi = replace(
        task,
        multi_label=True,
        train=replace(task.train, labels=one_hot(task.train.labels, 4)),
        val=replace(task.val, labels=one_hot(task.val.labels, 4)),
    )
    assert np.isfinite(recipe.fit(multi).scores(test.images)).all()


def test_a_typo_in_a_setting_is_an_error():
    with pytest.raises(ValidationError, match="penaltys"):
        LinearProbeConfig.model_validate({"penaltys": [1.0]})
