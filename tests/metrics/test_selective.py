"""Selective accuracy and the area under the risk-coverage curve against loops, and sets of classes against coverage."""

import numpy as np
import pytest

from workbench.errors import DataError
from workbench.metrics import classification_metrics, estimate_metrics, softmax
from workbench.metrics.prediction_sets import METRICS as SETS
from workbench.metrics.prediction_sets import PredictionSets, conformal_quantile
from workbench.metrics.selective import METRICS


def planted(n=150, seed=0, classes=4, decimals=None):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    scores = rng.normal(size=(n, classes)) + 1.5 * np.eye(classes)[labels]
    return (scores if decimals is None else scores.round(decimals)), labels


def test_the_curve_is_that_of_a_loop():
    scores, labels = planted()
    found = classification_metrics(scores, labels, metrics=METRICS, replicates=200)
    order = np.argsort(-softmax(scores).max(axis=1))
    wrong = (scores.argmax(axis=1) != labels)[order]
    risks = [wrong[: k + 1].mean() for k in range(len(wrong))]
    assert found["aurc"].value == pytest.approx(np.mean(risks))
    for coverage in (0.5, 0.8, 0.9, 0.95):
        answered = int(np.ceil(coverage * len(wrong)))
        estimate = found[f"selective_accuracy/{coverage:g}"]
        assert estimate.value == pytest.approx(1 - risks[answered - 1])
        assert estimate.low < estimate.value < estimate.high


def test_items_of_equal_sureness_are_answered_together():
    scores = np.tile([2.0, 0.0], (10, 1))
    labels = np.array([0] * 7 + [1] * 3)
    for order in (np.arange(10), np.arange(10)[::-1]):
        found = classification_metrics(scores, labels[order], metrics=METRICS, replicates=50)
        assert found["aurc"].value == pytest.approx(0.3)
        assert found["selective_accuracy/0.5"].value == pytest.approx(0.7)


def test_conformal_sets_hold_the_class_as_often_as_promised():
    """200 random splits: the mean coverage is between the promise and 1 / (n + 1) above it (Vovk et al.)."""
    scores, labels = planted(700, seed=3)
    chance, rng, covered, sizes = softmax(scores), np.random.default_rng(0), [], []
    for _ in range(200):
        order = rng.permutation(700)
        val, test = order[:100], order[100:]
        least = conformal_quantile(chance[val], labels[val], 0.9)
        sets = PredictionSets(chance[test] >= least, labels[test])
        covered.append(sets.covered.mean())
        sizes.append(sets.sizes.mean())
    error = 3.5 * np.std(covered) / np.sqrt(200)
    assert 0.9 - error <= np.mean(covered) <= 0.9 + 1 / 101 + error
    assert 1 < np.mean(sizes) < 3


def test_the_quantile_is_that_of_the_definition():
    chance, labels = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]]), np.array([0, 0, 0, 0])
    # ceil(5 * 0.6) = 3: the third highest of .9 .8 .6 .3.
    assert conformal_quantile(chance, labels, 0.6) == 0.6
    assert conformal_quantile(chance, labels, 0.9) == 0  # Five are too few for nine of ten.
    with pytest.raises(DataError, match="need validation images"):
        conformal_quantile(chance[:0], labels[:0], 0.9)


def test_coverage_of_classes_and_size():
    scores, labels = planted()
    inside = softmax(scores) >= 0.2
    found = estimate_metrics(SETS, PredictionSets(inside, labels), len(labels), replicates=100)
    for k in range(4):
        assert found[f"set_coverage/{k}"].value == pytest.approx(inside[labels == k, k].mean())
    assert found["set_coverage"].value == pytest.approx(inside[np.arange(150), labels].mean())
    assert found["set_size"].value == pytest.approx(inside.sum(axis=1).mean())
