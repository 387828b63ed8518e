"""Batched logistic regression against scikit-learn, alone and with padding, offsets and weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from adapters._heads import convex
from adapters._heads.batches import PaddedImages
from adapters._heads.convex import solve
from adapters._heads.objective import Problems
from adapters._heads.span import span
from workbench.testing import one_hot


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 6))
    y = rng.integers(4, size=60)
    return centres[y] + 1.5 * rng.normal(size=(60, 6)), y


def problems(x, y, weight=None, padding=0, **settings):
    n, hot = len(x), one_hot(y, 4) if y.ndim == 1 else y
    weight = np.full(n, 1 / n) if weight is None else weight
    rows = [np.pad(own, [(0, padding)] + [(0, 0)] * (own.ndim - 1)) for own in (x, hot.astype(float), weight)]
    z, target, importance = (torch.as_tensor(own)[None] for own in rows)
    return Problems(z, target, importance[:, None], **settings)


def test_every_penalty_is_scikit_learns_in_whatever_order(data):
    x, y = data
    penalties = [1e-3, 1e-1, 1e-2]
    found = solve(problems(x, y), torch.tensor([penalties]).double(), tolerance=1e-9)
    for j, penalty in enumerate(penalties):
        theirs = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-12, max_iter=20000).fit(x, y)
        ours = found.weight[0, 0, j].numpy()
        np.testing.assert_allclose(ours - ours.mean(0), theirs.coef_ - theirs.coef_.mean(0), atol=1e-4)
    assert found.converged.all()


def test_labels_that_are_not_known_are_left_out_of_a_labels_own_fit(data):
    x, y = data
    hot = np.stack([y < 2, y % 2 == 0, y > 0], axis=1)
    known = np.random.default_rng(3).random(hot.shape) < 0.7
    target, mask = (torch.as_tensor(own.astype(float))[None] for own in (hot & known, known))
    weight = torch.full((1, 1, len(x)), 1 / len(x), dtype=torch.float64)
    found = solve(
        Problems(torch.as_tensor(x)[None], target, weight, multi_label=True, known=mask),
        torch.tensor([[1e-2]]).double(), tolerance=1e-9,
    )  # fmt: skip
    assert found.converged.all()
    for k in range(3):
        rows = known[:, k]
        theirs = LogisticRegression(C=1 / (1e-2 * len(x)), tol=1e-12, max_iter=20000).fit(x[rows], hot[rows, k])
        np.testing.assert_allclose(found.weight[0, 0, 0, k], theirs.coef_[0], atol=1e-4)
        assert found.bias[0, 0, 0, k] == pytest.approx(theirs.intercept_[0], abs=1e-4)


@pytest.mark.parametrize("reached", [True, False])
def test_single_precision_finds_the_same_and_is_checked_in_double(data, monkeypatch, reached):
    x, y = data
    penalty = torch.tensor([[1e-3, 1e-1, 1e-2]]).double()
    exact = solve(problems(x, y), penalty, tolerance=1e-8)
    monkeypatch.setattr("adapters._heads.convex._LARGE_TASK", 0)
    precisions, minimise = [], convex.minimise

    def observed(objective, start, **settings):
        precisions.append(start.dtype)
        found = minimise(objective, start, **settings)
        # As where rounding keeps single precision from getting there.
        off = start.dtype == torch.float32 and not reached
        return replace(found, x=found.x + 0.1) if off else found

    monkeypatch.setattr(convex, "minimise", observed)
    found = solve(problems(x, y), penalty, tolerance=1e-5)
    assert found.converged.all()
    assert found.weight.dtype == torch.float64
    assert precisions == [torch.float32] * 3 + ([] if reached else [torch.float64] * 3)
    torch.testing.assert_close(found.weight, exact.weight, atol=3e-3, rtol=3e-3)


def overlapping(n_classes, shots, width):
    """Unit-norm features of classes that overlap, and labels; and as many new features."""
    rng = np.random.default_rng(n_classes)
    y = np.repeat(np.arange(n_classes), shots)
    both = rng.normal(size=(n_classes, width))[y] + 1.2 * rng.normal(size=(2, len(y), width))
    x, new = both / np.linalg.norm(both, axis=2, keepdims=True)
    weight = torch.full((1, 1, len(y)), 1 / len(y), dtype=torch.float64)
    hot = torch.as_tensor(one_hot(y, n_classes)).double()
    return Problems(torch.as_tensor(x)[None], hot[None], weight), x, y, new


def solved(given, penalty, **settings):
    found = solve(given, torch.tensor([[penalty]]).double(), **settings)
    assert found.converged.all()
    return found.weight[0, 0, 0].numpy(), found.bias[0, 0, 0].numpy()


@pytest.mark.parametrize(("n_classes", "shots", "penalty"), [(10, 20, 1e-2), (10, 20, 1e-4), (200, 3, 1e-3)])
def test_the_objective_and_predictions_are_scikit_learns(n_classes, shots, penalty):
    given, x, y, new = overlapping(n_classes, shots, 16)
    theirs = LogisticRegression(C=1 / (penalty * len(y)), tol=1e-8, max_iter=20000).fit(x, y)

    def objective(weight, bias):
        log_p = log_softmax(x @ weight.T + bias, axis=1)
        return -log_p[np.arange(len(y)), y].mean() + penalty / 2 * (weight**2).sum()

    weight, bias = solved(given, penalty, tolerance=1e-8)
    assert objective(weight, bias) == pytest.approx(objective(theirs.coef_, theirs.intercept_), rel=1e-6)
    np.testing.assert_array_equal((new @ weight.T + bias).argmax(axis=1), theirs.predict(new))


@pytest.mark.parametrize(("n_classes", "shots"), [(10, 20), (200, 4)])
def test_many_classes_are_solved_as_few_are(n_classes, shots):
    """Gradients are means over images and classes: in absolute terms 200 classes would be done before they began."""
    given, _, _, new = overlapping(n_classes, shots, 16)
    plain, exact = (solved(given, 1e-6, **settings) for settings in ({}, {"tolerance": 1e-6}))
    a, b = ((new @ weight.T + bias).argmax(axis=1) for weight, bias in (plain, exact))
    assert (a == b).mean() >= 0.99


def test_offsets_that_fit_alone_are_a_solution():
    """The text is certain and right: the gradient of the start is no measure, and nothing is left to do."""
    y = np.repeat(np.arange(4), 5)
    offset = torch.as_tensor(80.0 * one_hot(y, 4))[None, None]
    x = np.random.default_rng(0).normal(size=(20, 6))
    found = solve(problems(x, y, offset=offset), torch.tensor([[1e-3]]).double())
    assert found.converged.all()
    assert found.weight.abs().max() < 1e-3


@pytest.mark.parametrize("with_offset", [False, True])
def test_a_class_without_images_takes_no_part(data, with_offset):
    """Its bias would have no minimum: where it ended would depend on when the solver stops."""
    x, y = data
    known = y != 2
    offset = np.random.default_rng(0).normal(size=(1, 1, known.sum(), 4)) * with_offset
    settings = {"offset": torch.as_tensor(offset)} if with_offset else {}
    given = problems(x[known], y[known], **settings)
    rough, exact = (solve(given, torch.tensor([[1e-2]]).double(), tolerance=own) for own in (1e-4, 1e-10))
    assert not exact.weight[0, 0, 0, 2].any()
    assert exact.bias[0, 0, 0, 2] == rough.bias[0, 0, 0, 2]
    assert (exact.logits(given.z)[0, 0, 0].numpy() + offset[0, 0]).argmax(1).tolist().count(2) <= 3 * with_offset
    if not with_offset:
        theirs = LogisticRegression(C=1 / (1e-2 * known.sum()), tol=1e-12, max_iter=20000).fit(x[known], y[known])
        ours = exact.weight[0, 0, 0, [0, 1, 3]].numpy()
        np.testing.assert_allclose(ours - ours.mean(0), theirs.coef_ - theirs.coef_.mean(0), atol=1e-4)


def test_padding_and_neighbours_change_nothing(data):
    x, y = data
    penalty = torch.tensor([[1e-2, 1e-4]]).double()
    alone = solve(problems(x, y), penalty)
    padded = problems(x, y, padding=7)
    other = problems(-x[::-1], y, padding=7)
    both = Problems(*(torch.cat([getattr(p, k) for p in (padded, other)]) for k in ("z", "target", "weight")))
    together = solve(both, penalty.expand(2, -1))
    torch.testing.assert_close(together.weight[0], alone.weight[0], atol=1e-7, rtol=1e-6)


def test_large_matrices_are_multiplied_one_by_one_alike(data, monkeypatch):
    x, y = data
    penalty = torch.tensor([[1e-3]]).double()
    batched = solve(problems(x, y), penalty)
    monkeypatch.setattr("adapters._heads.objective._LARGE", 0)
    torch.testing.assert_close(solve(problems(x, y), penalty).weight, batched.weight, atol=1e-8, rtol=1e-6)


def test_too_few_iterations_are_admitted(data):
    x, y = data
    assert not solve(problems(x, y), torch.tensor([[1e-4]]).double(), iterations=2).converged.any()


def test_several_labels_are_binary_models(data):
    x, y = data
    labels = np.stack([y < 2, y % 2 == 0], axis=1)
    found = solve(problems(x, labels, multi_label=True), torch.tensor([[1e-2]]).double(), tolerance=1e-9)
    for c in range(2):
        theirs = LogisticRegression(C=1 / (1e-2 * len(x)), tol=1e-12, max_iter=20000).fit(x, labels[:, c])
        np.testing.assert_allclose(found.weight[0, 0, 0, c], theirs.coef_[0], atol=1e-4)


@pytest.mark.parametrize("n", [4, 30])
def test_the_span_keeps_products_and_weights_return_from_it(n):
    rng = np.random.default_rng(0)
    x, val = (torch.as_tensor(rng.normal(size=(1, rows, 10))) for rows in (n, 5))
    x[0, -1] = 0
    mask = torch.ones(1, n, dtype=torch.float64)
    mask[0, -1] = 0

    def padded(features, own):
        return PaddedImages(features, features.new_zeros(1, features.shape[1], 2), own, features)

    found = span(padded(x, mask), padded(val, torch.ones(1, 5).double()), centre=True)
    assert found.train.shape[2] == min(n, 10)
    mean = x[0, :-1].mean(0)
    torch.testing.assert_close(found.mean[0], mean)
    centred = x[0, :-1] - mean
    torch.testing.assert_close(found.train[0, :-1] @ found.train[0, :-1].T, centred @ centred.T)
    # Weights inside the span score new images as in the full space.
    small = torch.as_tensor(rng.normal(size=(2, n))) @ found.train[0]
    weight, bias = found.weights(0, small, torch.zeros(2).double())
    torch.testing.assert_close(val[0] @ weight.T + bias, found.val[0] @ small.T)
