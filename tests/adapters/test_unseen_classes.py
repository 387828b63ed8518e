"""Classes that only test has: which recipes can recognise them, that they can, and that training leaves them alone."""

from dataclasses import replace

import numpy as np
import pytest

from adapters._holdout import hold_out_classes
from adapters.bias_norm_tuning import BiasNormTuning
from adapters.clap import Clap
from adapters.clip_adapter import ClipAdapter
from adapters.clip_lora import ClipLora
from adapters.coop import Coop
from adapters.full_fine_tune import FullFineTune
from adapters.linear_head import LinearHead
from adapters.linear_probe_text import LinearProbeText
from adapters.lora import Lora
from adapters.prolip import Prolip
from adapters.task_res import TaskRes
from adapters.tip_adapter import TipAdapter
from adapters.tip_adapter_f import TipAdapterF
from adapters.zero_shot import ZeroShot
from workbench.plugin import ClassificationRecipe, RecipeError
from workbench.recipes import recipes
from workbench.testing import PlantedModel, planted_task

CAN = {
    "zero-shot", "linear-head", "tip-adapter", "tip-adapter-f", "clip-adapter", "task-res", "linear-probe-text", "clap",
    "prolip", "lora", "clip-lora", "bias-norm-tuning", "full-fine-tune", "coop", "majority-class",
    "tda", "zero", "tpt", "tent",
}  # fmt: skip
"""`majority-class` recognises nothing, but stands in every table."""
CANNOT = {
    "linear-probe", "knn", "nearest-class-mean", "gda", "lp-plus-plus", "cross-modal-probe", "prior-correction",
    "label-propagation", "transclip", "em-dirichlet", "domain-alignment", "self-training", "self-training-lora",
}  # fmt: skip
HEADS = [Clap, ClipAdapter, LinearProbeText, Prolip, TaskRes, TipAdapter, TipAdapterF]
NETWORKS = [
    (BiasNormTuning, {"prompts": "single"}), (ClipLora, {"dropout": 0.0}), (Coop, {"n_context": 4}),
    (FullFineTune, {"prompts": "single"}), (Lora, {"prompts": "single"}),
]  # fmt: skip


def fitted(factory, task, **settings):
    return factory(factory.Config(**settings)).fit(task)


def planted():
    return planted_task(n_classes=12, shots=8, text_noise=0.5, noise=1.0, seed=1, unseen=3)


def accuracies(predictor, test, unseen):
    hits = predictor.scores(test.images).argmax(axis=1) == test.labels
    inside = np.isin(test.labels, unseen)
    return hits[~inside].mean(), hits[inside].mean()


def test_recipes_that_can_and_those_that_cannot():
    names = {listed.name: recipes.get(listed.name) for listed in recipes.listing(probe=True) if not listed.problem}
    own = {
        name: factory.unseen
        for name, factory in names.items()
        if factory.__module__.startswith("adapters.") and issubclass(factory, ClassificationRecipe)
    }
    assert own == dict.fromkeys(CAN, True) | dict.fromkeys(CANNOT, False)


@pytest.mark.parametrize("factory", [*HEADS, LinearHead, ZeroShot])
def test_unseen_classes_are_recognised(factory, tmp_path):
    task, test = planted()
    predictor = fitted(factory, task)
    seen, unseen = accuracies(predictor, test, task.unseen)
    assert seen > 0.5
    assert unseen > 0.5
    predictor.save(tmp_path)
    restored = factory.restore(tmp_path, task.model, "cpu")
    np.testing.assert_array_equal(restored.scores(test.images), predictor.scores(test.images))


@pytest.mark.parametrize("factory", HEADS)
def test_heads_are_not_trained_against_unseen_classes(factory):
    """Whatever the unseen classes' text is, the scores of seen ones stay the same."""
    task, test = planted()
    text = task.model.encode_texts(list(task.class_names))
    text[list(task.unseen)] = task.train.images.features.projected[:3]  # What would be the hardest of negatives.
    plain, other = (fitted(factory, own) for own in (task, replace(task, model=PlantedModel(task.class_names, text))))
    seen = task.seen
    np.testing.assert_array_equal(other.scores(test.images)[:, seen], plain.scores(test.images)[:, seen])
    assert plain.report.chosen == other.report.chosen


@pytest.mark.parametrize("factory", HEADS)
def test_what_counts_is_the_harmonic_mean_on_hidden_classes(factory):
    task, _ = planted()
    report = fitted(factory, task).report
    best = max(trial["val_harmonic_accuracy"] for trial in report.trials)
    chosen = [t for t in report.trials if all(t[key] == value for key, value in report.chosen.items())]
    assert chosen[0]["val_harmonic_accuracy"] == best
    assert "seen_margin" in report.chosen


@pytest.mark.parametrize("factory", HEADS)
def test_several_shots_fitted_together_and_refitted(factory):
    task, test = planted()
    few = replace(task, train=task.train.subset(np.arange(0, len(task.train), 4)), refit=True)
    recipe = factory(factory.Config())
    for own, together in zip((task, few), recipe.fit_many([task, few]), strict=True):
        alone = recipe.fit(own)
        assert together.report.chosen == pytest.approx(alone.report.chosen)
        np.testing.assert_allclose(together.scores(test.images), alone.scores(test.images), atol=1e-3)


@pytest.mark.parametrize("factory", HEADS)
@pytest.mark.parametrize("lack", ["no validation", "too few classes"])
def test_defaults_where_nothing_can_be_hidden(factory, lack):
    settings = {"n_classes": 6, "val_shots": 0} if lack == "no validation" else {"n_classes": 5}
    task, test = planted_task(**settings, text_noise=0.5, unseen=2)
    predictor = fitted(factory, task)
    assert lack in predictor.report.notes[0]
    assert predictor.scores(test.images).shape == (len(test), task.n_classes)
    assert "seen_margin" not in predictor.report.chosen


def test_the_margin_is_the_best_that_was_tried():
    task, _ = planted()
    holdout = hold_out_classes(task, task.seen)
    restricted, images = holdout.task, holdout.images
    assert set(restricted.train.labels) == set(restricted.seen)
    assert set(images.labels) == set(restricted.unseen)
    rng = np.random.default_rng(0)
    parts = [
        (rng.normal(size=(len(data), restricted.n_classes)).astype(np.float32), data.labels)
        for data in (restricted.val, images)
    ]
    for scores, labels in parts:
        scores[np.arange(len(labels)), labels] += 2
        scores[:, restricted.seen] += 3

    def harmonic(margin):
        mean = []
        for scores, labels in parts:
            shifted = scores.astype(float)
            shifted[:, restricted.seen] -= margin
            hits = shifted.argmax(axis=1) == labels
            mean.append(np.mean([hits[labels == c].mean() for c in np.unique(labels)]))
        return 2 * mean[0] * mean[1] / max(sum(mean), 1e-12)

    tried = [0.0, 1.0, 2.5, 3.0, 6.0]
    margin, best_mean = holdout.best_margin(parts[0][0], parts[1][0], tried)
    assert margin == max(tried, key=harmonic)
    assert best_mean == pytest.approx(harmonic(margin))
    assert holdout.best_margin(parts[0][0], parts[1][0])[1] >= best_mean - 0.02


@pytest.mark.parametrize(("factory", "settings"), NETWORKS)
@pytest.mark.parametrize("refit", [False, True])
def test_networks_are_not_trained_against_unseen_classes(model, colour_task, factory, settings, refit):
    """Scores of seen classes are those of a training that knows no other; an unseen one has its text's."""
    task, test = colour_task(model("vit"), train=(6, 0, 6), refit=refit)
    val = task.val.subset(np.flatnonzero(task.val.labels != 1))
    task = replace(task, val=val, unseen=(1,))
    settings = {"epochs": 3, "batch_size": 6, "scale": 20.0, "learning_rate": 1e-2, **settings}
    predictor = fitted(factory, task, **settings)
    alone = fitted(factory, task.restricted(task.seen), **settings)
    assert predictor.report.chosen == alone.report.chosen
    scores = predictor.scores(test.images)
    assert scores.shape == (len(test), 3)
    np.testing.assert_allclose(scores[:, [0, 2]], alone.scores(test.images), atol=2e-3)
    assert np.isfinite(scores).all()
    assert "no margin" in predictor.report.notes[-1]
    assert not any("margin" in note for note in alone.report.notes)


def test_contexts_of_classes_cannot_be_learned_without_images(model, colour_task):
    task, _ = colour_task(model("vit"), train=(2, 2, 0), val=0)
    with pytest.raises(RecipeError, match="class_specific"):
        fitted(Coop, replace(task, unseen=(2,)), class_specific=True, n_context=4)


def test_names_and_descriptions_both_make_the_class(model, colour_task):
    task, _ = colour_task(model("vit"), train=2, val=0)
    described = replace(task, prompts=replace(task.prompts, descriptions={"red": ("like a ripe tomato",)}))
    both = fitted(Lora, described, prompts="mix", epochs=1).classes
    named = fitted(Lora, described, prompts="ensemble", epochs=1).classes
    assert np.abs(both[0] - named[0]).max() > 1e-3
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, atol=1e-5)
