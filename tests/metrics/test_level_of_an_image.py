"""What all logits of an image share changes no probability, so it changes no metric and no comparison."""

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy.special import softmax

from workbench.metrics import classification_metrics, compare_paired, unseen_metrics


def scores_and_labels(c, n=180, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, c, n)
    scores = rng.normal(size=(n, c)) * 2
    scores[np.arange(n), labels] += 1.5
    if ties:
        scores = np.round(scores)
    return scores, labels


@pytest.mark.parametrize("c", [2, 3, 10])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_no_metric_changes_when_a_constant_is_added(c, ties, size):
    scores, labels = scores_and_labels(c, ties=ties)
    level = size * np.random.default_rng(1).normal(size=(len(labels), 1))
    plain, moved = (classification_metrics(x, labels, replicates=60) for x in (scores, scores + level))
    assert plain.keys() == moved.keys()
    for name, estimate in plain.items():
        other = moved[name]
        assert (other.value, other.low, other.high) == pytest.approx(
            (estimate.value, estimate.low, estimate.high), abs=1e-6
        ), name
    unseen = np.array([0])
    for name, estimate in unseen_metrics(scores, labels, unseen, replicates=20).items():
        assert unseen_metrics(scores + level, labels, unseen, replicates=20)[name].value == estimate.value


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "macro_f1", "auroc", "average_precision", "ece"])
def test_no_comparison_changes_when_a_constant_is_added(metric):
    a, labels = scores_and_labels(3)
    b = a + np.random.default_rng(2).normal(size=a.shape)
    level = 30 * np.random.default_rng(1).normal(size=(len(labels), 1))
    plain, moved = (compare_paired(a, x, labels, metric=metric, replicates=60, draws=499) for x in (b, b + level))
    assert (plain.value, plain.low, plain.high, plain.p_value) == pytest.approx(
        (moved.value, moved.low, moved.high, moved.p_value), abs=1e-6
    )


def test_a_level_alone_is_no_difference():
    a, labels = scores_and_labels(2)
    found = compare_paired(a, a + np.arange(180)[:, None] / 10, labels, metric="auroc")
    assert (found.value, found.p_value) == (0, 1)


@pytest.mark.parametrize("c", [2, 3, 10])
@pytest.mark.parametrize("absent", [0, 1])
@pytest.mark.parametrize("ties", [False, True])
def test_ranking_metrics_are_scikit_learns_on_softmax(c, absent, ties):
    scores, labels = scores_and_labels(c, ties=ties)
    if absent:  # A class more that no item is of.
        scores = np.hstack([scores, np.random.default_rng(3).normal(size=(180, 1)).round(1)])
    p = softmax(scores, axis=1)
    # Equal probabilities that rounding has drawn apart are ties.
    p = np.round(p, 12)
    present = [k for k in range(scores.shape[1]) if 0 < (labels == k).sum() < 180]
    found = classification_metrics(scores, labels, replicates=2)
    aurocs = [sk.roc_auc_score(labels == k, p[:, k]) for k in present]
    precisions = [sk.average_precision_score(labels == k, p[:, k]) for k in present]
    assert found["auroc"].value == pytest.approx(np.mean(aurocs), abs=1e-6)
    assert found["average_precision"].value == pytest.approx(np.mean(precisions), abs=1e-6)
    if c == 2 and not absent:
        assert aurocs[0] == pytest.approx(aurocs[1])
        assert found["auroc"].value == pytest.approx(sk.roc_auc_score(labels, p[:, 1]), abs=1e-6)


def test_certainty_beyond_what_a_probability_can_hold_is_still_ranked():
    margins = np.linspace(40, 60, 40)  # All probabilities round to 1, and their complements to 0.
    scores = np.stack([margins, np.zeros(40)], axis=1)
    labels = (np.arange(40) < 10).astype(int)
    found = classification_metrics(scores, labels, replicates=2)
    assert found["auroc"].value == 1.0
