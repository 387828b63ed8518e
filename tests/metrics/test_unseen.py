"""Generalised zero-shot metrics against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import recall_score

from workbench.errors import DataError
from workbench.metrics.unseen import unseen_metrics


def test_against_recall_by_class():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, 300)
    scores = rng.normal(size=(300, 6)) + 1.5 * np.eye(6)[labels]
    unseen = np.array([1, 4])
    recall = recall_score(labels, scores.argmax(axis=1), average=None)
    seen, new = np.delete(recall, unseen).mean(), recall[unseen].mean()
    found = unseen_metrics(scores.astype(np.float32), labels, unseen)
    assert found["seen_accuracy"].value == pytest.approx(seen)
    assert found["unseen_accuracy"].value == pytest.approx(new)
    assert found["harmonic_accuracy"].value == pytest.approx(2 * seen * new / (seen + new))
    assert found["harmonic_accuracy"].low < found["harmonic_accuracy"].value < found["harmonic_accuracy"].high


def test_nothing_recognised_is_zero():
    labels = np.array([0, 1, 2])
    found = unseen_metrics(np.eye(3)[[1, 2, 0]], labels, np.array([2]))
    assert found["harmonic_accuracy"].value == 0


def test_test_needs_both_sides():
    with pytest.raises(DataError, match="seen and of unseen"):
        unseen_metrics(np.eye(3), np.arange(3), np.array([0, 1, 2]))
