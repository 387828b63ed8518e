"""The batched solver against scikit-learn, and against itself one by one."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from workbench.solvers import fit_logistic

PENALTIES = [1e-4, 1e-3, 1e-2, 1e-1]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(5, 20))
    y = rng.integers(0, 5, 120)
    return (centres[y] + 1.5 * rng.normal(size=(120, 20))).astype(np.float32), y


def weight_error(penalty):
    """A gradient within 1e-5 of zero leaves weights uncertain by about 1e-5 / penalty; a tenth of it is seen."""
    return 1e-6 / penalty + 1e-3


def objective(x, y, weight, bias, penalty):
    return -log_softmax(x @ weight.T + bias, axis=1)[np.arange(len(y)), y].mean() + penalty / 2 * (weight**2).sum()


def test_reaches_scikit_learns_objective_and_logits(data):
    x, y = data
    ours = fit_logistic(x, y, PENALTIES, 5)
    for i, penalty in enumerate(PENALTIES):
        theirs = LogisticRegression(C=1 / (penalty * len(y)), tol=1e-10, max_iter=10000).fit(x, y)
        assert ours.loss[i] == pytest.approx(
            objective(x, y, theirs.coef_, theirs.intercept_, penalty), rel=1e-4, abs=2e-6
        )
        a = x @ ours.weight[i].T + ours.bias[i]
        b = x @ theirs.coef_.T + theirs.intercept_
        a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
        # Single precision leaves the flat directions of a weakly penalised objective open by about a percent.
        np.testing.assert_allclose(a, b, atol=0.01 * np.abs(b).max())
    assert ours.converged.all()


def test_reported_loss_is_the_objective_of_the_returned_weights(data):
    x, y = data
    ours = fit_logistic(x, y, [1e-2], 5)
    assert ours.loss[0] == pytest.approx(objective(x, y, ours.weight[0], ours.bias[0], 1e-2), rel=1e-5)


def test_a_penalty_is_solved_alike_alone_and_in_a_batch(data):
    x, y = data
    together = fit_logistic(x, y, PENALTIES, 5)
    for i, penalty in enumerate(PENALTIES):
        alone = fit_logistic(x, y, [penalty], 5)
        np.testing.assert_allclose(alone.weight[0], together.weight[i], atol=weight_error(penalty))


def test_multi_label_is_one_binary_model_a_label(data):
    x, y = data
    labels = np.stack([y < 2, y % 2 == 0], axis=1)
    ours = fit_logistic(x, labels, [1e-2], 2)
    for c in range(2):
        theirs = LogisticRegression(C=1 / (1e-2 * len(y)), tol=1e-10, max_iter=10000).fit(x, labels[:, c])
        np.testing.assert_allclose(ours.weight[0, c], theirs.coef_[0], atol=5e-3)


def test_more_dimensions_than_samples_and_a_class_without_samples():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(6, 50)).astype(np.float32), np.array([0, 0, 1, 1, 3, 3])
    fitted = fit_logistic(x, y, [1e-3], 4)
    assert ((x @ fitted.weight[0].T + fitted.bias[0]).argmax(axis=1) == y).all()
    assert np.isfinite(fitted.weight).all()
