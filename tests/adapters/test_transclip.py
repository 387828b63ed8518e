"""TransCLIP against a plain computation of its block updates, without labels and with some."""

import numpy as np
import pytest

from adapters.transclip import Transclip
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


def published(x, text_probability, weight, gamma, shots=None, labels=None, k=3):
    """z after the paper's updates, image by image and class by class."""
    n, d = x.shape
    c = text_probability.shape[1]
    everyone = x if shots is None else np.concatenate([x, shots])
    hot = np.zeros((0, c)) if shots is None else np.eye(c)[labels]
    affinity = np.zeros((len(everyone), n))
    for i in range(len(everyone)):
        near = [j for j in np.argsort(-(everyone[i] @ x.T), kind="stable") if j != i][:k]
        affinity[i, near] = np.maximum(everyone[i] @ x[near].T, 0)
    z = text_probability.copy()
    mu = np.zeros((c, d))
    for j in range(c):
        sure = np.argsort(-z[:, j], kind="stable")[:8]
        mu[j] = z[sure, j] @ x[sure] if shots is None else shots[labels == j].sum(axis=0)
        mu[j] /= np.linalg.norm(mu[j])
    sigma = np.full(d, 1 / d)
    s = max(1, len(hot))
    for step in range(11):
        likelihood = np.array([[-0.5 * ((x[i] - mu[j]) ** 2 / sigma).sum() for j in range(c)] for i in range(n)])
        for _ in range(5):
            whole = np.concatenate([z, hot])
            taken = affinity.T @ whole
            taken += np.array([affinity[i] @ z for i in range(n)])
            exponent = (likelihood + 50 / (2 * k) * taken) / 50
            z = text_probability**weight * np.exp(exponent - exponent.max(axis=1, keepdims=True))
            z /= z.sum(axis=1, keepdims=True)
        if step == 10:
            return z
        for j in range(c):
            top = z[:, j] @ x / n
            bottom = z[:, j].sum() / n
            if len(hot):
                top, bottom = top + gamma * 50 / s * hot[:, j] @ shots, bottom + gamma * 50 / s * hot[:, j].sum()
            mu[j] = top / bottom / np.linalg.norm(top / bottom)
        sigma = sum(z[:, j] @ (x - mu[j]) ** 2 for j in range(c)) / n
        total = z.sum() / n
        if len(hot):
            sigma = sigma + gamma * 50 / s * sum(hot[:, j] @ (shots - mu[j]) ** 2 for j in range(c))
            total += gamma * 50 / s * hot.sum()
        sigma = sigma / total
    return z


def softmax(scores):
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


def unit(images):
    return normalise(images.features.projected).astype(np.float64)


def text_probability(task, images):
    return softmax(fitted(ZeroShot, task).scores(images).astype(np.float64))


def test_without_labels_scores_are_those_of_the_paper():
    task, test = unlabelled_task(test_size=12, text_noise=1.5)
    expected = published(unit(test.images), text_probability(task, test.images), 1.0, 0.0)
    np.testing.assert_allclose(np.exp(fitted(Transclip, task).scores(test.images)), expected, atol=1e-4)


@pytest.mark.parametrize("gamma", [0.02, 0.2])
def test_with_labels_they_are_too(gamma):
    task, test = planted_task(n_classes=5, shots=3, val_shots=0, noise=1.3, test_size=12, seed=4)
    probability = text_probability(task, test.images)
    expected = published(unit(test.images), probability, 0.5, gamma, unit(task.train.images), task.train.labels)
    predictor = fitted(Transclip, task, default_gamma=gamma)
    assert predictor.report.notes
    np.testing.assert_allclose(np.exp(predictor.scores(test.images)), expected, atol=1e-4)


def test_validation_chooses_gamma_by_the_nearest_test_images():
    task, test = planted_task(n_classes=5, shots=3, val_shots=4, noise=1.6, test_size=12, seed=4)
    x, val = unit(test.images), unit(task.val.images)
    probability, beside = text_probability(task, test.images), (val @ x.T).argmax(axis=1)
    found = [
        published(x, probability, 0.5, gamma, unit(task.train.images), task.train.labels)
        for gamma in (0.002, 0.01, 0.02, 0.2)
    ]
    best = max(found, key=lambda z: (z[beside].argmax(axis=1) == task.val.labels).mean())
    predictor = fitted(Transclip, task)
    np.testing.assert_allclose(np.exp(predictor.scores(test.images)), best, atol=1e-4)
    assert "gamma" in predictor.report.chosen


def test_it_mends_the_text_whatever_the_order(tmp_path):
    task, test = unlabelled_task(test_size=60, text_noise=1.5)
    predictor = fitted(Transclip, task)
    assert accuracy(predictor.scores(test.images), test) > accuracy(fitted(ZeroShot, task).scores(test.images), test)
    assert_order_is_of_no_matter(predictor, test)
    assert_restored_alike(Transclip, predictor, task, test, tmp_path)
    assert predictor.scores(test.images.subset([])).shape == (0, task.n_classes)


def test_labelled_images_help(tmp_path):
    task, test = planted_task(n_classes=6, shots=8, noise=1.6, text_noise=2.5, test_size=60, seed=5)
    none = unlabelled_task(n_classes=6, shots=8, noise=1.6, text_noise=2.5, test_size=60, seed=5)[0]
    predictor = fitted(Transclip, task)
    assert accuracy(predictor.scores(test.images), test) > accuracy(fitted(Transclip, none).scores(test.images), test)
    assert_order_is_of_no_matter(predictor, test)
    assert_restored_alike(Transclip, predictor, task, test, tmp_path)


def test_a_class_without_a_labelled_image_starts_from_the_text():
    task, test = planted_task(n_classes=5, shots=3, val_shots=0, test_size=12)
    lacking = type(task)(**{**task.__dict__, "train": task.train.subset(np.flatnonzero(task.train.labels != 2))})
    scores = fitted(Transclip, lacking).scores(test.images)
    assert np.isfinite(scores).all()
    assert (scores.argmax(axis=1)[test.labels == 2] == 2).mean() > 0.5
