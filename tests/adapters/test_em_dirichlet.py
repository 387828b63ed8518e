"""EM-Dirichlet: its parameters maximise the likelihood, and its turns are those of the paper."""

import numpy as np
import pytest
import torch
from scipy.special import digamma, gammaln, softmax
from scipy.stats import dirichlet as distribution

from adapters.em_dirichlet import EmDirichlet, dirichlet, matched
from adapters.zero_shot import ZeroShot
from tests.adapters.without_labels import (
    accuracy,
    assert_order_is_of_no_matter,
    assert_restored_alike,
    fitted,
    unlabelled_task,
)
from workbench.plugin import normalise
from workbench.testing import planted_task


def test_parameters_are_those_of_the_greatest_likelihood():
    """There the gradient vanishes: digamma(alpha) - digamma(sum) is the mean logarithm (Minka, 2000)."""
    drawn = distribution.rvs([2.0, 0.5, 7.0], size=4000, random_state=0)
    mean_log = np.log(drawn).mean(axis=0)
    alpha = dirichlet(torch.ones(1, 3, dtype=torch.float64), torch.from_numpy(mean_log)[None], 5000).numpy()[0]
    np.testing.assert_allclose(digamma(alpha) - digamma(alpha.sum()), mean_log, atol=1e-5)
    np.testing.assert_allclose(alpha, [2.0, 0.5, 7.0], rtol=0.1)


def published(query, favour, turns, steps, support=None, labels=None):
    """Assignments after some turns, class by class."""
    c = query.shape[1]
    hot = np.zeros((0, c)) if labels is None else np.eye(c)[labels]
    log_query = np.log(query + 1e-15)
    log_support = np.zeros((0, c)) if support is None else np.log(support + 1e-15)
    u, alpha = query.copy(), np.ones((c, c))
    for _ in range(turns):
        for k in range(c):
            size = u[:, k].sum() + hot[:, k].sum()
            y = (u[:, k] @ log_query + hot[:, k] @ log_support) / size
            for _ in range(steps):
                a = alpha[k]
                curvature = np.abs(2 * (gammaln(1.0) - gammaln(a + 1) + digamma(a + 1) * a) / a**2)
                b = digamma(a + 1) - digamma(a.sum()) - curvature * a - y
                alpha[k] = (-b + np.sqrt(b**2 + 4 * curvature)) / (2 * curvature)
        v = np.log(u.mean(axis=0) + 1e-15) + 1
        logits = np.stack(
            [gammaln(a.sum()) - gammaln(a).sum() + log_query @ (a - 1) + favour * v[k] for k, a in enumerate(alpha)], 1
        )
        u = softmax(logits, axis=1)
    return u


def probabilities(task, images):
    x = normalise(images.features.projected).astype(np.float64)
    return softmax(30 * x @ fitted(ZeroShot, task).weight.T.astype(np.float64), axis=1)


@pytest.mark.parametrize("effective", [None, 2])
def test_without_labels_scores_are_those_of_the_paper(effective):
    task, test = unlabelled_task(test_size=15)
    query = probabilities(task, test.images)
    expected = published(query, 1 if effective is None else 3, 3, 40)
    settings = {"iterations": 3, "inner_iterations": 40, "effective_classes": effective}
    scores = fitted(EmDirichlet, task, **settings).scores(test.images)
    order = [int(c) for c in matched(np.log(expected + 1e-300), query).argmax(axis=1)]
    np.testing.assert_array_equal(scores.argmax(axis=1), order)
    np.testing.assert_allclose(np.sort(np.exp(scores), axis=1), np.sort(expected, axis=1), atol=1e-4)


def test_with_labels_they_are_too():
    task, test = planted_task(n_classes=5, shots=3, noise=1.3, test_size=15, seed=2)
    expected = published(
        probabilities(task, test.images), 1, 3, 40, probabilities(task, task.train.images), task.train.labels
    )
    scores = fitted(EmDirichlet, task, iterations=3, inner_iterations=40).scores(test.images)
    np.testing.assert_allclose(np.exp(scores), expected, atol=1e-4)


def test_clusters_are_given_to_classes_one_to_one():
    """Two clusters have the same likeliest class; the one with more of it keeps it."""
    query = np.array([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.0, 0.1, 0.9]])
    log_u = np.log(np.array([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]))
    assert matched(log_u, query).argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("shots", [0, 4])
def test_any_order_gives_the_same(shots, tmp_path):
    options = {"n_classes": 5, "noise": 1.0, "text_noise": 1.0, "test_size": 30, "seed": 6}
    task, test = planted_task(shots=4, **options) if shots else unlabelled_task(**options)
    predictor = fitted(EmDirichlet, task)
    assert accuracy(predictor.scores(test.images), test) > 0.8
    assert_order_is_of_no_matter(predictor, test)
    assert_restored_alike(EmDirichlet, predictor, task, test, tmp_path)
    assert predictor.scores(test.images.subset([])).shape == (0, task.n_classes)


def test_few_classes_are_favoured_where_few_are_expected():
    """Ten classes stand to choose from, images are of two."""
    task, test = unlabelled_task(n_classes=10, noise=1.5, text_noise=1.2, test_size=60, seed=1)
    two = test.subset(np.flatnonzero(test.labels < 2))
    plain, favoured = (
        accuracy(fitted(EmDirichlet, task, effective_classes=count).scores(two.images), two) for count in (None, 2)
    )
    assert favoured > plain
