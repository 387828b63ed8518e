"""Self-training: the fitted recipe on pseudo-labels that a few lines choose, round by round."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from adapters.linear_probe import LinearProbe
from adapters.linear_probe_text import LinearProbeText
from adapters.lora import Lora
from adapters.self_training import SelfTraining, SelfTrainingLora
from adapters.self_training.pseudo_labels import PseudoLabels
from adapters.zero_shot import ZeroShot
from tests.adapters.without_labels import accuracy, assert_restored_alike, fitted, unlabelled_task
from workbench.errors import RecipeError
from workbench.plugin import LabelledImages
from workbench.testing import planted_task


def surest(scores, count):
    """Rows and classes: of each class the images that are taken for it and are surest."""
    chance = softmax(scores.astype(float), axis=1)
    rows = []
    for c in range(scores.shape[1]):
        own = [i for i in range(len(scores)) if chance[i].argmax() == c]
        rows += sorted(own, key=lambda i: -chance[i].max())[:count]
    rows = np.array(sorted(rows))
    return rows, chance[rows].argmax(axis=1)


def test_the_surest_of_each_class_are_labelled():
    scores = np.random.default_rng(0).normal(0, 2, (80, 4)).astype(np.float32)
    found = PseudoLabels.of(scores, 5)
    rows, labels = surest(scores, 5)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_array_equal(found.labels, labels)
    every = PseudoLabels.of(scores, None)
    assert len(every.rows) == 80
    sure = PseudoLabels.of(scores, None, threshold=0.9)
    assert (softmax(scores, axis=1).max(axis=1)[sure.rows] >= 0.9).all()
    assert 0 < len(sure.rows) < 80
    assert found.changed_since(found) == 0
    assert every.changed_since(found) == 80 - len(found.rows)


def by_hand(task, scores, count, base, **settings):
    """The base fitted on the surest images of the pool."""
    rows, labels = surest(scores, count)
    pseudo = LabelledImages(task.unlabelled.subset(rows), labels)
    train = task.train + pseudo if len(task.train) else pseudo
    shots = max(1, round(len(train) / task.n_classes))
    return fitted(base, replace(task, train=train, shots=shots, unlabelled=None), **settings)


@pytest.mark.parametrize(("name", "base"), [("linear-probe", LinearProbe), ("linear-probe-text", LinearProbeText)])
def test_two_rounds_are_two_fits(name, base, tmp_path):
    task, test = unlabelled_task(shots=30, text_noise=1.2)
    first = by_hand(task, fitted(ZeroShot, task).scores(task.unlabelled), 8, base)
    second = by_hand(task, first.scores(task.unlabelled), 8, base)
    predictor = fitted(SelfTraining, task, base=name, per_class=8)
    np.testing.assert_allclose(predictor.scores(test.images), second.scores(test.images), atol=1e-4)
    assert any("Round 2: " in note for note in predictor.report.notes)
    assert_restored_alike(SelfTraining, predictor, task, test, tmp_path)


def test_it_mends_the_text():
    task, test = unlabelled_task(shots=40, text_noise=1.8, noise=1.0, test_size=60)
    plain = accuracy(fitted(ZeroShot, task).scores(test.images), test)
    assert accuracy(fitted(SelfTraining, task).scores(test.images), test) > plain + 0.03


def test_labelled_images_take_part_and_may_begin():
    task, _ = planted_task(n_classes=6, shots=4, noise=1.3, seed=3)
    pool, test = unlabelled_task(n_classes=6, shots=30, noise=1.3, seed=3)
    task = replace(task, unlabelled=pool.unlabelled)
    start = fitted(LinearProbeText, task)
    expected = by_hand(task, start.scores(task.unlabelled), 16, LinearProbeText)
    found = fitted(SelfTraining, task, base="linear-probe-text", start="labelled", rounds=1)
    np.testing.assert_allclose(found.scores(test.images), expected.scores(test.images), atol=1e-4)


def test_what_cannot_be_is_refused():
    task, _ = unlabelled_task()
    with pytest.raises(RecipeError, match="needs unlabelled images"):
        fitted(SelfTraining, replace(task, unlabelled=None))
    with pytest.raises(RecipeError, match="needs labelled images"):
        fitted(SelfTraining, task, start="labelled")
    with pytest.raises(RecipeError, match="no unlabelled image has a probability"):
        task.model.logit_scale = 0.1
        fitted(SelfTraining, task, threshold=0.99)
    with pytest.raises(ValueError, match="base_settings of 'gda'"):
        SelfTraining.Config(base="gda", base_settings={"alphaz": 1})


def test_through_the_network_it_is_lora_on_the_pseudo_labels(model, colour_task, tmp_path):
    labelled, test = colour_task(model("vit"), train=8)
    empty = labelled.train.subset([])
    task = replace(labelled, train=empty, val=empty, shots=0, unlabelled=labelled.train.images)
    settings = {"epochs": 2, "batch_size": 6, "dropout": 0.0}
    expected = by_hand(task, fitted(ZeroShot, task).scores(task.unlabelled), 4, Lora, **settings)
    predictor = fitted(SelfTrainingLora, task, per_class=4, base_settings=settings)
    np.testing.assert_allclose(predictor.scores(test.images), expected.scores(test.images), atol=1e-4)
    assert_restored_alike(SelfTrainingLora, predictor, task, test, tmp_path)
    assert predictor.merged(task.model).network is not None
