import numpy as np
import pytest
import sklearn.metrics as sk

from workbench.metrics import functional as F

pytestmark = pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    n, c = 240, 7
    labels = rng.choice(c, n, p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.05, 0.0])
    scores = rng.normal(size=(n, c)).astype(np.float32)
    scores[np.arange(n), labels] += 1
    return scores, labels


def weights(n, b=5):
    drawn = np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=b)
    return drawn.astype(np.float32)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_agrees_with_scikit_learn(sample, k):
    scores, labels = sample
    expected = sk.top_k_accuracy_score(labels, scores, k=k, labels=np.arange(7))
    assert F.in_top_k(scores, labels, k).mean() == pytest.approx(expected)


def test_top_1_agrees_with_argmax_on_ties():
    scores = np.round(np.random.default_rng(0).normal(size=(300, 6)), 0)
    labels = np.random.default_rng(1).integers(0, 6, 300)
    np.testing.assert_array_equal(F.in_top_k(scores, labels, 1), scores.argmax(axis=1) == labels)


def test_class_averages_agree_with_scikit_learn_under_sample_weights(sample):
    scores, labels = sample
    predicted, w = scores.argmax(axis=1), weights(len(labels))
    hits, true, guessed = F.ClassCounts(predicted, labels, 7)(w)
    balanced, f1 = F.balanced_accuracy(hits, true), F.macro_f1(hits, true, guessed)
    for b, row in enumerate(w):
        keep = row > 0
        args = (labels[keep], predicted[keep])
        assert balanced[b] == pytest.approx(sk.balanced_accuracy_score(*args, sample_weight=row[keep]))
        assert f1[b] == pytest.approx(sk.f1_score(*args, average="macro", sample_weight=row[keep]))


def test_nll_and_brier_agree_with_scikit_learn(sample):
    scores, labels = sample
    probabilities = F.softmax(scores)
    names = np.arange(7)
    assert F.nll_terms(scores, labels).mean() == pytest.approx(sk.log_loss(labels, probabilities, labels=names))
    expected = sk.brier_score_loss(labels, probabilities, labels=names, scale_by_half=True)
    assert F.brier_terms(probabilities, labels).mean() == pytest.approx(expected)


def test_softmax_and_nll_survive_huge_logits():
    scores = np.array([[1e4, -1e4], [-3e4, 3e4]], np.float32)
    assert np.isfinite(F.softmax(scores)).all()
    np.testing.assert_allclose(F.nll_terms(scores, np.array([0, 0])), [0, 6e4])
    assert np.isfinite(F.binary_nll_terms(scores, np.array([[True, True], [False, False]]))).all()
    np.testing.assert_allclose(F.sigmoid(np.array([-1e4, 0.0, 1e4])), [0, 0.5, 1])


def test_confusion_matrix_agrees_with_scikit_learn(sample):
    scores, labels = sample
    predicted = scores.argmax(axis=1)
    expected = sk.confusion_matrix(labels, predicted, labels=np.arange(7))
    np.testing.assert_array_equal(F.confusion_matrix(labels, predicted, 7), expected)


def test_an_empty_class_has_no_weight():
    hits, true, predicted = F.ClassCounts(np.array([0, 2]), np.array([0, 0]), 4)(F.ones(2))
    np.testing.assert_array_equal([hits[0], true[0], predicted[0]], [[1, 0, 0, 0], [2, 0, 0, 0], [1, 0, 1, 0]])
    assert F.balanced_accuracy(hits, true)[0] == 0.5


@pytest.mark.parametrize("repeat", [1, 2])
def test_weighted_median_is_the_median_of_the_repeated_values(repeat):
    rng = np.random.default_rng(repeat)
    values, w = rng.integers(1, 9, 11), rng.integers(0, 4, (20, 11)).astype(np.float32)
    expected = [np.median(np.repeat(values, row.astype(int))) for row in w]
    np.testing.assert_array_equal(F.weighted_median(values, w), expected)
