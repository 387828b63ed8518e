"""Metrics of predicted classes and probabilities. Each takes weights (b, n); see `_weights`."""

import numpy as np

from workbench.arrays import AnyArray, BoolArray, FloatArray
from workbench.metrics.functional._weights import ClassSums, Values, mean_of_defined, ratio

_GRID = 2.0**30


def relative_logits(scores: AnyArray) -> Values:
    """Logits (n, c) minus the largest of their row, in float64, to a billionth.

    A constant added to an image's logits changes no probability, so it must change no metric. What is left of it after
    the subtraction is rounding, and that is rounded away: what was equal stays equal.
    """
    exact = np.asarray(scores, np.float64)
    return _snapped(exact - exact.max(axis=1, keepdims=True))


def log_odds(logits: Values) -> Values:
    """log(p / (1 - p)) of the softmax probabilities p of `relative_logits` (n, c), for ranking images within a class.

    They order images as probabilities do, and still differ where probabilities round to 1. With two classes
    one is the other's negative.
    """
    rows, top = np.arange(len(logits)), logits.argmax(axis=1)
    others = logits.copy()
    others[rows, top] = -np.inf
    powers = np.exp(others)
    # The largest logit is 0.
    log_p = logits - np.log1p(powers.sum(axis=1, keepdims=True))
    with np.errstate(divide="ignore"):  # A single class has no other.
        odds = log_p - np.log1p(-np.where(log_p < 0, np.exp(log_p), 0.0))
        runner_up = others.max(axis=1)
        denominator = np.exp(others - np.where(np.isfinite(runner_up), runner_up, 0.0)[:, None]).sum(axis=1)
        odds[rows, top] = -(runner_up + np.log(denominator))
    return _snapped(odds)


def _snapped(values: Values) -> Values:
    return np.asarray(np.rint(values * _GRID) / _GRID)


def softmax(scores: AnyArray) -> Values:
    """Probabilities from logits (n, c), in float64."""
    shifted = np.asarray(scores, np.float64)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return np.asarray(shifted)


def sigmoid(scores: AnyArray) -> Values:
    """Probabilities from independent logits, in float64, without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(scores, np.float64)))


def in_top_k(scores: AnyArray, labels: AnyArray, k: int) -> BoolArray:
    """Whether fewer than `k` classes stand before the true one, bool (n,).

    Of equal scores the lower class index stands first, as with `argmax`, so that k = 1 agrees with it.
    """
    true_scores = np.take_along_axis(scores, labels[:, None], axis=1)
    before = (scores > true_scores) | ((scores == true_scores) & (np.arange(scores.shape[1]) < labels[:, None]))
    return np.asarray(np.count_nonzero(before, axis=1) < k)


def nll_terms(scores: AnyArray, labels: AnyArray) -> Values:
    """Negative log-likelihood of each item in nats, (n,); no probability is clipped."""
    exact = np.asarray(scores, np.float64)
    top = exact.max(axis=1)
    log_total = top + np.log(np.exp(exact - top[:, None]).sum(axis=1))
    return np.asarray(log_total - exact[np.arange(len(labels)), labels])


def brier_terms(probabilities: Values, labels: AnyArray) -> Values:
    """Half the squared distance from the one-hot truth, (n,), in 0..1.

    Brier (1950) without the half runs to 2; the half is scikit-learn's `scale_by_half=True`, and makes two classes
    agree with the usual binary score.
    """
    true_probabilities = probabilities[np.arange(len(labels)), labels]
    return np.asarray(0.5 * ((probabilities**2).sum(axis=1) - 2.0 * true_probabilities + 1.0))


def binary_nll_terms(scores: AnyArray, targets: AnyArray, known: AnyArray | None = None) -> Values:
    """Mean over labels of the binary negative log-likelihood in nats, (n,), for logits (n, l)."""
    exact = np.asarray(scores, np.float64)
    return mean_of_known(np.logaddexp(0.0, np.where(targets, -exact, exact)), known)


def mean_of_known(values: AnyArray, known: AnyArray | None = None) -> Values:
    """Mean over the known labels of each item, (n,), for values (n, l); `known` is bool (n, l), None for all."""
    return np.asarray(np.average(values, axis=1, weights=known) if known is not None else values.mean(axis=1))


class ClassCounts:
    """Counts of truth, prediction and agreement by class, for balanced accuracy and macro-F1.

    Args:
        predicted: int64 (n,).
        labels: int64 (n,).
        n_classes: Number of classes.
    """

    def __init__(self, predicted: AnyArray, labels: AnyArray, n_classes: int) -> None:
        self._true = ClassSums(labels, n_classes)
        self._predicted = ClassSums(predicted, n_classes)
        self._hits = ClassSums(labels, n_classes, among=np.asarray(predicted == labels))

    def __call__(self, weights: FloatArray) -> tuple[Values, Values, Values]:
        """Weight of hits, of true and of predicted items by class, each (b, n_classes)."""
        return self._hits(weights), self._true(weights), self._predicted(weights)


def balanced_accuracy(hits: Values, true: Values) -> Values:
    """Mean recall over the classes that occur in the truth, (b,)."""
    return mean_of_defined(ratio(hits, true))


def macro_f1(hits: Values, true: Values, predicted: Values) -> Values:
    """Mean F1 over the classes that occur in the truth or among the predictions, (b,)."""
    return mean_of_defined(ratio(2.0 * hits, true + predicted))


def micro_f1(hits: Values, true: Values, predicted: Values) -> Values:
    """F1 of the pooled decisions, (b,); only for multi-label data, where it is not accuracy."""
    return ratio(2.0 * hits.sum(axis=1), (true + predicted).sum(axis=1))


def matthews_correlation(hits: Values, true: Values, predicted: Values) -> Values:
    """Matthews' correlation coefficient for any number of classes, (b,), -1..1.

    Gorodkin (Computational Biology and Chemistry 2004), R_K; as in scikit-learn, 0 where all predictions are of one
    class. NaN where the truth is of one class.
    """
    total = true.sum(axis=1)
    covariance = hits.sum(axis=1) * total - (true * predicted).sum(axis=1)
    of_truth, of_predictions = (total**2 - (counts**2).sum(axis=1) for counts in (true, predicted))
    size = np.sqrt(of_truth * of_predictions)
    correlation = np.divide(covariance, size, out=np.zeros_like(size), where=size > 0)
    return np.where(of_truth > 0, correlation, np.nan)


def quadratic_kappa(
    squared: Values, true: Values, predicted: Values, true_squared: Values, predicted_squared: Values
) -> Values:
    """Cohen's kappa with quadratic weights (Cohen, Psychological Bulletin 1968), (b,), -1..1.

    1 - sum w O / sum w E with w = (i - j)^2, observed shares O and those E that independence would give; both sums are
    functions of means over items. NaN where truth and predictions are of one class, the same one.

    Args:
        squared: Mean of (i - j)^2, (b,), i the class of the truth and j the predicted one, both as positions.
        true: Mean of i.
        predicted: Mean of j.
        true_squared: Mean of i^2.
        predicted_squared: Mean of j^2.
    """
    return 1.0 - ratio(squared, true_squared + predicted_squared - 2.0 * true * predicted)


def confusion_matrix(labels: AnyArray, predicted: AnyArray, n_classes: int) -> AnyArray:
    """Counts int64 (n_classes, n_classes), rows the truth, columns the prediction."""
    cells = np.asarray(labels, np.int64) * n_classes + np.asarray(predicted, np.int64)
    return np.bincount(cells, minlength=n_classes * n_classes).reshape(n_classes, n_classes)
