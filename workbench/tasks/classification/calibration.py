"""Calibration after the fit, on validation images: temperature scaling and vector scaling.

Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017), section 4.2. Both minimise the NLL. Vector scaling
has two numbers a class, so that few images would fit it at will; deviations from 1 and 0 are penalised as a standard
normal prior does, which the images outweigh where there are many.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics.functional import nll_terms, softmax

FOLDS = 5


@dataclass(frozen=True)
class Calibration:
    """`scores * factor + offset`.

    Attributes:
        factor: (c,), each above 0 with a temperature; one over it then.
        offset: (c,).
    """

    factor: tuple[float, ...]
    offset: tuple[float, ...]

    def __call__(self, scores: AnyArray) -> FloatArray:
        """Calibrated logits, float32 (n, c), of logits (n, c)."""
        return np.asarray(np.asarray(scores, np.float64) * self.factor + self.offset, dtype=np.float32)

    def undone(self, scores: AnyArray) -> FloatArray:
        """The logits (n, c) that were calibrated to these, up to rounding."""
        return np.asarray((np.asarray(scores, np.float64) - self.offset) / self.factor, dtype=np.float32)


def fit_calibration(kind: Literal["temperature", "vector"], scores: AnyArray, labels: AnyArray) -> Calibration:
    """Fit on validation images.

    Args:
        kind: See the module.
        scores: Logits (n, c), n > 0.
        labels: int64 (n,).
    """
    exact, n_classes = np.asarray(scores, np.float64), scores.shape[1]
    factor = _inverse_temperature(exact, labels)
    if kind == "temperature":
        return Calibration((factor,) * n_classes, (0.0,) * n_classes)
    return _vector(exact * factor, labels, factor)


def out_of_fold(
    kind: Literal["temperature", "vector"], scores: AnyArray, labels: AnyArray, groups: AnyArray | None
) -> FloatArray:
    """Scores (n, c) that are each calibrated by other images, whole groups at a time, for choices that come after it.

    Without a second fold they are calibrated by all.
    """
    units = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    number = int(units.max()) + 1
    folds = np.random.default_rng(0).permutation(number)[units] % FOLDS
    if number < FOLDS:
        return fit_calibration(kind, scores, labels)(scores)
    out = np.empty(scores.shape, dtype=np.float32)
    for fold in range(FOLDS):
        inside = folds == fold
        out[inside] = fit_calibration(kind, scores[~inside], labels[~inside])(scores[inside])
    return out


def _inverse_temperature(scores: AnyArray, labels: AnyArray) -> float:
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log: float(nll_terms(np.exp(log) * scores, labels).mean()), bounds=(-7.0, 7.0), method="bounded",
        options={"xatol": 1e-6},
    )  # fmt: skip
    return float(np.exp(found.x))


def _vector(scores: AnyArray, labels: AnyArray, first: float) -> Calibration:
    from scipy.optimize import minimize

    n, c = scores.shape
    truth = np.eye(c)[labels]

    def objective(parameters: AnyArray) -> tuple[float, AnyArray]:
        factor, offset = parameters[:c], parameters[c:]
        logits = scores * factor + offset
        error = (softmax(logits) - truth) / n
        prior = (np.square(factor - 1).sum() + np.square(offset).sum()) / (2 * n)
        gradient = np.concatenate([(error * scores).sum(axis=0) + (factor - 1) / n, error.sum(axis=0) + offset / n])
        return float(nll_terms(logits, labels).mean() + prior), gradient

    start = np.concatenate([np.ones(c), np.zeros(c)])
    # A factor of 0 would have no way back, and a negative one turns a class's scores around.
    bounds = [(1e-3, None)] * c + [(None, None)] * c
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    return Calibration(tuple((found.x[:c] * first).tolist()), tuple(found.x[c:].tolist()))
