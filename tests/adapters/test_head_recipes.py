"""What all recipes on features promise, each of them: batched as one by one, long tails, saving, validation, text."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from adapters.clap import Clap
from adapters.clip_adapter import ClipAdapter
from adapters.cross_modal_probe import CrossModalProbe
from adapters.gda import Gda
from adapters.knn import Knn
from adapters.linear_probe import LinearProbe
from adapters.linear_probe_text import LinearProbeText
from adapters.lp_plus_plus import LpPlusPlus
from adapters.nearest_class_mean import NearestClassMean
from adapters.prolip import Prolip
from adapters.task_res import TaskRes
from adapters.tip_adapter import TipAdapter
from adapters.tip_adapter_f import TipAdapterF
from adapters.zero_shot import ZeroShot
from workbench.plugin import Features, normalise
from workbench.testing import PlantedModel, feature_images, planted_task

WITH_TEXT = [
    Clap,
    ClipAdapter,
    CrossModalProbe,
    Gda,
    LinearProbeText,
    LpPlusPlus,
    Prolip,
    TaskRes,
    TipAdapter,
    TipAdapterF,
]
RECIPES = [Knn, LinearProbe, NearestClassMean, *WITH_TEXT]


def make(factory, **settings):
    return factory(factory.Config(**settings))


def accuracy(predictor, test):
    return float((predictor.scores(test.images).argmax(axis=1) == test.labels).mean())


def assert_same_scores(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1.0, np.abs(expected).max()))


def long_tailed(seed=0):
    """Classes with 8, 2, 1 and no training images; the last has no validation image either."""
    task, test = planted_task(n_classes=4, shots=8, noise=1.0, seed=seed)
    train = task.train.subset(np.r_[0:8, 8:10, 16:17])
    return replace(task, train=train, val=task.val.subset(np.arange(12))), test


@cache
def mixed_tasks():
    """Shots and seeds as a suite has them, a long tail, one without validation, and one to refit."""
    tasks = [planted_task(shots=s, noise=1.5, val_shots=min(s, 4), seed=seed)[0] for s in (1, 2, 5) for seed in (0, 1)]
    tasks.append(replace(planted_task(shots=3, val_shots=0, seed=2)[0], seed=2))
    tasks.append(replace(planted_task(shots=4, noise=1.5, seed=3)[0], refit=True))
    rare = np.r_[0:5, 5:7, 10:11]
    tasks.append(replace(tasks[4], train=tasks[4].train.subset(rare)))
    return tasks


@pytest.mark.parametrize("factory", RECIPES)
def test_fitting_together_is_fitting_one_by_one(factory):
    tasks, test = mixed_tasks(), planted_task(noise=1.5, test_size=10)[1]
    recipe = make(factory)
    for task, together in zip(tasks, recipe.fit_many(tasks), strict=True):
        alone = recipe.fit(task)
        assert together.report.chosen == alone.report.chosen
        assert_same_scores(together.scores(test.images), alone.scores(test.images))


@pytest.mark.parametrize("factory", RECIPES)
def test_long_tails_run_and_known_classes_are_told_apart(factory):
    task, test = long_tailed()
    predictor = make(factory).fit(task)
    scores = predictor.scores(test.images)
    assert scores.shape == (len(test), 4)
    assert np.isfinite(scores).all()
    known = test.labels < 3
    assert (scores[known].argmax(axis=1) == test.labels[known]).mean() > 0.6


@pytest.mark.parametrize("factory", RECIPES)
def test_a_single_class_with_images_runs(factory):
    task, test = planted_task(n_classes=3, shots=1)
    only = task.train.subset(np.array([0]))
    assert np.isfinite(make(factory).fit(replace(task, train=only)).scores(test.images)).all()


@pytest.mark.parametrize("factory", RECIPES)
def test_saving_keeps_scores_and_batches_do_not_matter(factory, tmp_path):
    task, test = planted_task(shots=2, test_size=5)
    predictor = make(factory).fit(task)
    whole = predictor.scores(test.images)
    order = np.random.default_rng(0).permutation(len(test))
    assert_same_scores(predictor.scores(test.images.subset(order)), whole[order])
    assert_same_scores(predictor.scores(test.images.subset([3])), whole[[3]])
    predictor.save(tmp_path)
    restored = factory.restore(tmp_path, task.model, "cpu")
    np.testing.assert_array_equal(restored.scores(test.images), whole)
    assert restored.scale == predictor.scale


@pytest.mark.parametrize("selection", ["nll", "accuracy"])
@pytest.mark.parametrize("factory", RECIPES)
def test_the_choice_is_the_best_that_was_tried(factory, selection):
    task, _ = planted_task(noise=2.0, val_shots=6, shots=3)
    report = make(factory, selection=selection).fit(task).report
    assert len(report.trials) > 1
    best = {"nll": min, "accuracy": max}[selection](trial[f"val_{selection}"] for trial in report.trials)
    chosen = [t for t in report.trials if all(t[key] == value for key, value in report.chosen.items())]
    assert chosen[0][f"val_{selection}"] == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize(("shots", "validation"), [(4, "split"), (1, "cv")])
@pytest.mark.parametrize("factory", RECIPES)
def test_where_nothing_can_be_chosen_the_defaults_are_taken_and_noted(factory, shots, validation):
    task, test = planted_task(val_shots=0, shots=shots, noise=0.3)
    predictor = make(factory, validation=validation).fit(task)
    config = factory.Config()
    defaults = {f"default_{key}": v for key, v in predictor.report.chosen.items()}
    defaults["default_neighbours"] = defaults.get("default_k")
    for name in type(config).model_fields:
        if name.startswith("default_"):
            assert defaults[name] == getattr(config, name)
    assert "no validation" in predictor.report.notes[0]
    assert predictor.report.trials == []
    assert accuracy(predictor, test) > 0.5


@pytest.mark.parametrize("factory", RECIPES)
def test_refit_keeps_the_choice_and_learns_from_validation_images(factory):
    task, test = planted_task(shots=2, noise=1.5)
    plain = make(factory).fit(task)
    refit = make(factory).fit(replace(task, refit=True))
    assert plain.report.chosen == refit.report.chosen
    assert not np.allclose(plain.scores(test.images), refit.scores(test.images), atol=1e-3)


@pytest.mark.parametrize("factory", [f for f in RECIPES if "features" in f.Config.model_fields])
def test_validation_chooses_the_better_feature_space(factory):
    task, test = planted_task(shots=4, noise=0.5)

    def with_noise(data, space, seed):
        features = data.images.features
        noisy = features.pooled + 3 * np.random.default_rng(seed).normal(size=features.pooled.shape)
        spaces = {"pooled": features.pooled, "projected": features.projected} | {space: noisy.astype(np.float32)}
        return replace(data, images=feature_images(Features(**spaces)))

    for bad, good in (("pooled", "projected"), ("projected", "pooled")):
        own = replace(task, train=with_noise(task.train, bad, 1), val=with_noise(task.val, bad, 2))
        predictor = make(factory).fit(own)
        assert predictor.report.chosen["features"] == good
        assert make(factory, features=bad).fit(own).report.chosen["features"] == bad
        assert accuracy(predictor, with_noise(test, bad, 3)) > 0.75


@pytest.mark.parametrize("factory", WITH_TEXT)
def test_a_strong_text_prior_helps_beyond_images_and_beyond_zero_shot(factory):
    """Noisy images, text about as good as they are: with both a method must do better than with either."""
    differences = []
    for seed in range(3):
        task, test = planted_task(n_classes=8, shots=4, noise=1.8, text_noise=1.0, test_size=60, val_shots=8, seed=seed)
        recipe = make(factory)
        if "text_weights" in factory.Config.model_fields:
            without = accuracy(make(factory, text_weights=(0.0,)).fit(task), test)
        else:
            arbitrary = normalise(np.random.default_rng(seed + 100).normal(size=(8, task.model.embed_dim)))
            silent = replace(task, model=PlantedModel(task.class_names, arbitrary))
            without = accuracy(recipe.fit(silent), test)
        with_text = accuracy(recipe.fit(task), test)
        zero_shot = accuracy(make(ZeroShot).fit(task), test)
        differences.append((with_text - without, with_text - zero_shot))
    assert np.mean(differences, axis=0).min() > 0, differences


@pytest.mark.parametrize("factory", WITH_TEXT)
def test_a_misleading_text_prior_is_left_behind(factory):
    """Text that knows nothing must not keep a method near chance when the images are good."""
    task, test = planted_task(n_classes=8, shots=8, noise=0.8, val_shots=4)
    rng = np.random.default_rng(100)
    nonsense = PlantedModel(task.class_names, normalise(rng.normal(size=(8, task.model.embed_dim))))
    misled = replace(task, model=nonsense)
    assert accuracy(make(ZeroShot).fit(misled), test) < 0.4
    # CLIP-Adapter and ProLIP cannot leave text out: they have to bend the images towards it.
    assert accuracy(make(factory).fit(misled), test) > (0.6 if factory in {ClipAdapter, Prolip} else 0.9)
