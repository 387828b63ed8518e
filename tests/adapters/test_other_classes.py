"""Recipes that score by text: given other classes after the fit, they score them as they score their own."""

import numpy as np
import pytest

from adapters.bias_norm_tuning import BiasNormTuning
from adapters.clip_adapter import ClipAdapter
from adapters.clip_lora import ClipLora
from adapters.coop import Coop
from adapters.full_fine_tune import FullFineTune
from adapters.knn import Knn
from adapters.linear_head import LinearHead
from adapters.lora import Lora
from adapters.prolip import Prolip
from workbench.plugin import ClassPrompts, RecipeError
from workbench.recipes import recipes
from workbench.testing import planted_task

CAN = {
    "bias-norm-tuning", "clip-adapter", "clip-lora", "coop", "full-fine-tune", "linear-head", "lora", "prolip",
}  # fmt: skip
FAST = {"epochs": 2, "min_steps": 1, "learning_rate": 1e-2}
NETWORKS = [
    (BiasNormTuning, FAST), (BiasNormTuning, {**FAST, "towers": "both", "prompts": "single"}),
    (ClipLora, {**FAST, "dropout": 0.0}), (Coop, {**FAST, "n_context": 4}),
    (Coop, {**FAST, "init_template": "a photo of a {}."}), (FullFineTune, {**FAST, "alphas": (1.0,)}),
    (FullFineTune, {**FAST, "towers": "both", "alphas": (1.0,)}), (Lora, FAST), (Lora, {**FAST, "towers": "text"}),
]  # fmt: skip


def names_of(case):
    return getattr(case, "__name__", None)


def check(recipe, task, test, folder):
    """Its own classes in another order, and some of them, are scored as they are; so they are when it is restored."""
    predictor = recipe.fit(task)
    own = predictor.scores(test.images)
    assert np.ptp(own) > 0
    for order in (np.arange(task.n_classes), np.arange(task.n_classes)[::-1], np.array([1, 0])):
        other = recipe.for_classes(predictor, task.prompts.subset(order), task.model, "cpu")
        np.testing.assert_allclose(other.scores(test.images), own[:, order], rtol=2e-4, atol=2e-3)
        assert other.report is predictor.report
    folder.mkdir(exist_ok=True)
    other.save(folder)
    again = recipe.restore(folder, task.model, "cpu")
    np.testing.assert_allclose(again.scores(test.images), other.scores(test.images), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(predictor.scores(test.images), own)


@pytest.mark.parametrize(("factory", "settings"), NETWORKS, ids=names_of)
def test_networks_score_other_classes_by_their_text(model, colour_task, tmp_path, factory, settings):
    task, test = colour_task(model("vit"))
    check(factory(factory.Config(**settings)), task, test, tmp_path / "predictor")


@pytest.mark.parametrize("factory", [ClipAdapter, LinearHead, Prolip])
def test_heads_on_images_score_other_classes_by_their_text(tmp_path, factory):
    task, test = planted_task(n_classes=5, shots=8, text_noise=0.5, noise=1.0, seed=1)
    check(factory(factory.Config()), task, test, tmp_path / "predictor")


def test_a_class_that_it_never_saw_is_what_its_text_says(model, colour_task):
    task, test = colour_task(model("vit"))
    few = task.restricted(np.array([0, 1]))
    recipe = Lora(Lora.Config(**FAST, towers="both", prompts="single"))
    predictor = recipe.fit(few)
    three = recipe.for_classes(predictor, task.prompts, task.model, "cpu").scores(test.images)
    np.testing.assert_allclose(three[:, :2], predictor.scores(test.images), rtol=2e-4, atol=2e-3)
    assert three.shape == (len(test), 3)


def test_recipes_say_whether_they_can():
    found = {
        listed.name
        for listed in recipes.listing(probe=True)
        if not listed.problem and getattr(recipes.get(listed.name), "scores_by_text", False)
    }
    assert found & CAN == CAN
    assert not found & {"zero-shot", "linear-probe", "knn", "tip-adapter", "task-res", "clap", "gda", "majority-class"}


def test_those_that_cannot_say_why():
    task, _ = planted_task(n_classes=3, shots=4)
    recipe = Knn(Knn.Config())
    with pytest.raises(RecipeError, match="cannot score other classes"):
        recipe.for_classes(recipe.fit(task), task.prompts, task.model, "cpu")


def test_a_context_of_each_class_has_none_for_others(model, colour_task):
    task, _ = colour_task(model("vit"))
    recipe = Coop(Coop.Config(**FAST, n_context=4, class_specific=True))
    with pytest.raises(RecipeError, match="a context that all share"):
        recipe.for_classes(recipe.fit(task), ClassPrompts(("x",), ("{}",)), task.model, "cpu")
