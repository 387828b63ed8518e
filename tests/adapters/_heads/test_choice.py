"""Grids, and the choice on validation."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss

from adapters._heads.choice import SearchGrid, best, graded, quality


def test_points_follow_the_axes_with_the_last_one_fastest():
    grid = SearchGrid.shared({"a": (1.0, 2.0), "b": (3.0, 4.0)}, 2, torch.device("cpu"))
    expected = [{"a": 1.0, "b": 3.0}, {"a": 1.0, "b": 4.0}, {"a": 2.0, "b": 3.0}, {"a": 2.0, "b": 4.0}]
    assert grid.points(0) == grid.points(1) == expected
    own = SearchGrid.fixed([{"a": 1.0}, {"a": 7.0}], torch.device("cpu"))
    assert own.points(1) == [{"a": 7.0}]


def test_quality_is_scikit_learns_and_ignores_padding():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(1, 3, 9, 4)), rng.integers(4, size=9)
    target = torch.nn.functional.one_hot(torch.as_tensor(labels), 4).double()[None]
    mask = torch.ones(1, 9, dtype=torch.float64)
    mask[0, 6:] = 0
    accuracy, nll = quality(torch.as_tensor(logits), target, mask)
    for h in range(3):
        p = torch.as_tensor(logits[0, h, :6]).softmax(1).numpy()
        assert accuracy[0, h] == pytest.approx(accuracy_score(labels[:6], p.argmax(1)))
        assert nll[0, h] == pytest.approx(log_loss(labels[:6], p, labels=range(4)))


def test_quality_of_several_labels_counts_every_decision():
    logits = torch.tensor([[[[2.0, -1.0], [0.5, 0.5]]]], dtype=torch.float64)
    target = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]], dtype=torch.float64)
    accuracy, nll = quality(logits, target, torch.ones(1, 2, dtype=torch.float64), multi_label=True)
    assert accuracy[0, 0] == 0.75
    expected = np.log1p(np.exp([-2.0, -1.0, -0.5, 0.5])).mean()
    assert nll[0, 0] == pytest.approx(expected)


def test_points_made_one_after_the_other_are_graded_alike():
    rng = np.random.default_rng(1)
    logits = torch.as_tensor(rng.normal(size=(2, 6, 5, 3)))
    target = torch.nn.functional.one_hot(torch.as_tensor(rng.integers(3, size=(2, 5))), 3).double()
    mask = torch.ones(2, 5, dtype=torch.float64)
    whole = quality(logits, target, mask)
    for found, expected in zip(graded(lambda k: logits[:, 2 * k : 2 * k + 2], 3, target, mask), whole, strict=True):
        torch.testing.assert_close(found, expected)


def test_by_accuracy_likelihood_decides_between_equals_then_the_first():
    accuracy = torch.tensor([[0.5, 0.7, 0.7], [0.5, 0.5, 0.5], [0.1, 0.1, 0.0]])
    nll = torch.tensor([[0.1, 2.0, 1.0], [1.0, 1.0 + 1e-9, 1.0], [3.0, 2.0, 0.0]])
    assert best(accuracy, nll, "accuracy").tolist() == [2, 0, 1]


def test_by_likelihood_accuracy_decides_between_equals_then_the_first():
    accuracy = torch.tensor([[0.9, 0.1, 0.2], [0.5, 0.6, 0.6], [0.5, 0.5, 0.5]])
    nll = torch.tensor([[2.0, 1.0, 1.0], [1.0, 1.0 + 1e-9, 1.0], [1.0, 1.0, 1.1]])
    assert best(accuracy, nll).tolist() == [2, 1, 0]
