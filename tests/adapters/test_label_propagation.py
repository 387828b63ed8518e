"""ZLaP against a dense computation with an inverse, over test images and over a pool."""

import numpy as np
import pytest
from scipy.special import softmax

from adapters.label_propagation import LabelPropagation
from adapters.zero_shot import ZeroShot
from tests.adapters.without_labels import (
    accuracy,
    assert_order_is_of_no_matter,
    assert_restored_alike,
    fitted,
    unlabelled_task,
)
from workbench.errors import RecipeError
from workbench.plugin import normalise


def published(x, text, k=5, gamma=5.0, alpha=0.3):
    """Z = (I - alpha D^-1/2 (W + W') D^-1/2)^-1 Y, dense; k of images counts the image itself."""
    c, n = len(text), len(x)
    w = np.zeros((c + n, c + n))
    for i in range(n):
        to_images, to_classes = x[i] @ x.T, x[i] @ text.T
        for j in np.argsort(-to_images)[:k]:
            if j != i:
                w[c + i, c + j] = max(to_images[j], 0)
        for j in np.argsort(-to_classes)[:k]:
            w[c + i, j] = max(to_classes[j], 0) ** gamma
    w = w + w.T
    half = np.diag(1 / np.sqrt(np.where(w.sum(1) == 0, 1, w.sum(1))))
    return np.linalg.inv(np.eye(c + n) - alpha * half @ w @ half)[:, :c]


def shares(z):
    share = z / z.sum(axis=1, keepdims=True)
    return 0.999 * share + 0.001 / z.shape[1]


def features(task, images):
    return normalise(images.features.projected).astype(np.float64), fitted(ZeroShot, task).weight.astype(np.float64)


@pytest.mark.parametrize("settings", [{}, {"neighbours": 3, "gamma": 2.0, "alpha": 0.9}])
def test_scores_are_those_of_the_paper(settings):
    task, test = unlabelled_task(test_size=12)
    x, text = features(task, test.images)
    named = dict(zip(("k", "gamma", "alpha"), settings.values(), strict=True)) if settings else {}
    expected = shares(published(x, text, **named)[len(text) :])
    predictor = fitted(LabelPropagation, task, **settings)
    np.testing.assert_allclose(softmax(predictor.scores(test.images), axis=1), expected, atol=1e-4)


def test_from_a_pool_scores_are_the_weighted_sum_of_the_neighbours():
    task, test = unlabelled_task(shots=12, test_size=10)
    x, text = features(task, test.images)
    pool, _ = features(task, task.unlabelled)
    z, c, k = published(pool, text), len(text), 5
    expected = np.zeros((len(x), c))
    for i in range(len(x)):
        to_images, to_classes = pool @ x[i], text @ x[i]
        for j in np.argsort(-to_images)[:k]:
            expected[i] += max(to_images[j], 0) * z[c + j]
        for j in np.argsort(-to_classes)[:k]:
            expected[i] += max(to_classes[j], 0) ** 5 * z[j]
    predictor = fitted(LabelPropagation, task, pool="unlabelled")
    np.testing.assert_allclose(softmax(predictor.scores(test.images), axis=1), shares(expected), atol=1e-4)
    one_by_one = np.concatenate([predictor.scores(test.images.subset([i])) for i in range(len(test))])
    np.testing.assert_allclose(one_by_one, predictor.scores(test.images), atol=1e-5)


@pytest.mark.parametrize("pool", ["test", "unlabelled"])
def test_it_mends_the_text_whatever_the_order(pool, tmp_path):
    task, test = unlabelled_task()
    predictor = fitted(LabelPropagation, task, pool=pool)
    assert accuracy(predictor.scores(test.images), test) > accuracy(fitted(ZeroShot, task).scores(test.images), test)
    assert_order_is_of_no_matter(predictor, test)
    assert_restored_alike(LabelPropagation, predictor, task, test, tmp_path)
    assert predictor.scores(test.images.subset([])).shape == (0, task.n_classes)


def test_one_image_alone_has_its_classes():
    task, test = unlabelled_task()
    alone = fitted(LabelPropagation, task).scores(test.images.subset([0]))
    assert np.isfinite(alone).all()
    assert alone.argmax() == fitted(ZeroShot, task).scores(test.images.subset([0])).argmax()


def test_settings_say_what_it_sees():
    config = LabelPropagation.Config
    assert LabelPropagation.inference_of(config()) == "transductive"
    assert not LabelPropagation.uses_unlabelled(config())
    assert LabelPropagation.inference_of(config(pool="unlabelled")) == "inductive"
    assert LabelPropagation.uses_unlabelled(config(pool="unlabelled"))


def test_without_a_pool_it_is_refused():
    task, test = unlabelled_task()
    task = type(task)(**{**task.__dict__, "unlabelled": test.images.subset([])})
    with pytest.raises(RecipeError, match="needs unlabelled images"):
        fitted(LabelPropagation, task, pool="unlabelled")
