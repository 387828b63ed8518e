"""Prior correction: shares as the papers define them, and as good as knowing them where they have shifted."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from adapters.linear_probe import LinearProbe
from adapters.prior_correction import PriorCorrection
from adapters.prior_correction.estimates import bbse_shares, best_calibration, calibrated_on, em_shares
from tests.adapters.without_labels import (
    accuracy,
    assert_order_is_of_no_matter,
    assert_restored_alike,
    fitted,
    unlabelled_task,
)
from workbench.errors import RecipeError
from workbench.testing import planted_task


def shifted(test, shares, seed=0):
    """Test images drawn so that classes have other shares."""
    rng = np.random.default_rng(seed)
    counts = np.round(np.asarray(shares) / max(shares) * np.bincount(test.labels).min()).astype(int)
    rows = [rng.choice(np.flatnonzero(test.labels == c), count, replace=False) for c, count in enumerate(counts)]
    return test.subset(np.concatenate(rows)), counts / counts.sum()


def test_em_finds_the_shares_of_the_greatest_likelihood():
    rng = np.random.default_rng(0)
    source = np.array([0.5, 0.3, 0.2])
    probability = softmax(rng.normal(0, 2, (400, 3)) + np.log([0.1, 0.3, 0.6]), axis=1)

    def loss(free):
        shares = softmax(np.append(free, 0))
        return -np.log((probability * shares / source).sum(axis=1)).mean()

    expected = softmax(np.append(minimize(loss, np.zeros(2), tol=1e-12).x, 0))
    np.testing.assert_allclose(em_shares(probability, source), expected, atol=1e-4)


def test_bbse_solves_for_the_shares():
    confusion = np.array([[0.4, 0.05], [0.1, 0.45]])  # (predicted, true): half of each class in the source
    target = np.array([0.2, 0.8])
    predicted = confusion @ (target / 0.5)
    drawn = np.repeat([0, 1], np.round(predicted * 1000).astype(int))
    np.testing.assert_allclose(bbse_shares(drawn, confusion), target, atol=2e-3)
    assert bbse_shares(np.zeros(10, int), confusion)[1] < 1e-5, "shares below 0 are 0"


def test_the_temperature_is_that_of_the_least_nll():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (500, 4))
    labels = np.array([rng.choice(4, p=own) for own in softmax(logits, axis=1)])
    grid = np.exp(np.linspace(-1, 3, 2001))
    nll = [-log_softmax(5 * logits / t, axis=1)[np.arange(500), labels].mean() for t in grid]
    found = calibrated_on(5 * logits, labels, biases=False)
    assert found.temperature == pytest.approx(grid[np.argmin(nll)], rel=5e-3)
    assert not found.bias.any()


def test_biases_are_those_of_a_logistic_regression_on_the_scores():
    """At the least NLL each class is predicted as often as it is there (the gradient of a bias vanishes)."""
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 1.5, (600, 3))
    labels = np.array([rng.choice(3, p=own) for own in softmax(logits + np.array([1.0, 0.0, -1.0]), axis=1)])
    found = calibrated_on(3 * logits, labels, biases=True)
    np.testing.assert_allclose(np.exp(found.of(3 * logits)).mean(axis=0), np.bincount(labels) / 600, atol=1e-4)
    assert found.temperature == pytest.approx(3, rel=0.2)
    assert np.diff(found.bias) == pytest.approx([-1, -1], abs=0.4)


@pytest.mark.parametrize(("images", "bias", "expected"), [(2000, 1.5, "bias-corrected"), (2000, 0.0, "temperature")])
def test_the_calibration_is_what_images_held_out_are_best_described_by(images, bias, expected):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(images, 4))
    labels = np.array([rng.choice(4, p=softmax(row)) for row in logits])
    assert best_calibration(4 * logits + bias * np.arange(4), labels, None, 0) == expected


def test_few_images_a_class_choose_no_bias_for_each():
    rng = np.random.default_rng(1)
    logits = 2 * rng.normal(size=(240, 80))
    labels = np.array([rng.choice(80, p=softmax(row)) for row in logits])
    assert best_calibration(logits, labels, None, 0) in {"none", "temperature"}
    labels[labels == 3] = 4
    assert best_calibration(logits - 20 * np.eye(80)[3], labels, None, 0) != "bias-corrected", "validation lacks one"
    assert best_calibration(logits[:1], labels[:1], None, 0) == "none"


SHARES = (0.42, 0.28, 0.14, 0.08, 0.05, 0.03)


@pytest.mark.parametrize("base", ["linear-probe", "gda"])
@pytest.mark.parametrize("method", ["em", "bbse"])
@pytest.mark.parametrize("pool", ["test", "unlabelled"])
def test_where_shares_have_shifted_it_is_as_good_as_knowing_them(base, method, pool, tmp_path):
    task, test = planted_task(n_classes=6, shots=60, val_shots=200, noise=2.3, test_size=600, seed=8)
    target, shares = shifted(test, SHARES)
    other, _ = shifted(test, SHARES, 1)
    task = replace(task, unlabelled=other.images)
    predictor = fitted(PriorCorrection, task, base=base, method=method, pool=pool)
    inner = predictor.base.scores(target.images)
    known = predictor.corrector.calibrated(inner) + np.log(shares / predictor.corrector.source)
    plain, best = accuracy(inner, target), accuracy(known, target)
    assert best > plain + 0.01, "the shift matters"
    found = accuracy(predictor.scores(target.images), target)
    assert found > best - 0.01
    assert_order_is_of_no_matter(predictor, target)
    assert_restored_alike(PriorCorrection, predictor, task, target, tmp_path)


def test_a_probe_fitted_on_rare_classes_is_corrected_from_its_own_shares():
    """Training has a long tail and test has none: the source's shares are those of training."""
    task, test = planted_task(n_classes=4, shots=80, val_shots=30, noise=2.2, test_size=200, seed=9)
    keep = np.concatenate([np.flatnonzero(task.train.labels == c)[: 80 // 3**c] for c in range(4)])
    task = replace(task, train=task.train.subset(keep))
    plain = accuracy(fitted(LinearProbe, task).scores(test.images), test)
    assert accuracy(fitted(PriorCorrection, task, base="linear-probe").scores(test.images), test) > plain


def test_without_labels_it_corrects_the_zero_shot_classifier(tmp_path):
    task, test = unlabelled_task(test_size=200, text_noise=0.3, noise=2.0)
    target, _ = shifted(test, SHARES)
    predictor = fitted(PriorCorrection, task)
    assert predictor.report.chosen == {}
    expected = softmax(predictor.base.scores(target.images).astype(float), axis=1)
    shares = em_shares(expected, np.full(6, 1 / 6))
    corrected = expected * shares
    np.testing.assert_allclose(
        softmax(predictor.scores(target.images), axis=1), corrected / corrected.sum(axis=1, keepdims=True), atol=1e-4
    )


def test_settings_say_what_it_sees():
    config = PriorCorrection.Config
    assert not PriorCorrection.uses_labels(config())
    assert PriorCorrection.uses_labels(config(method="bbse"))
    assert PriorCorrection.uses_labels(config(base="gda"))
    assert PriorCorrection.inference_of(config()) == "transductive"
    assert PriorCorrection.inference_of(config(pool="unlabelled")) == "inductive"
    assert PriorCorrection.uses_unlabelled(config(pool="unlabelled"))


def test_what_cannot_be_is_refused():
    task, _ = unlabelled_task()
    with pytest.raises(RecipeError, match="'linear-probe' needs training images"):
        fitted(PriorCorrection, task, base="linear-probe")
    with pytest.raises(RecipeError, match="'bbse' counts predictions on validation images"):
        fitted(PriorCorrection, task, method="bbse")
    with pytest.raises(ValueError, match="base_settings of 'gda': alphaz"):
        PriorCorrection.Config(base="gda", base_settings={"alphaz": 1})
    with pytest.raises(RecipeError, match="needs unlabelled images"):
        fitted(PriorCorrection, replace(task, unlabelled=None), pool="unlabelled")
