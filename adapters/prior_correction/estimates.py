"""Class shares of the target, estimated from the answers of a classifier that was fitted on the source."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from adapters._heads.folds import FOLDS, units
from workbench.plugin import AnyArray, FloatArray, LabelledImages, Predictor

Kind = Literal["none", "temperature", "bias-corrected"]
"""What is chosen on validation images before shares are estimated."""
_LEAST = 1e-6
"""Least share of a class: nothing that was estimated rules one out."""
_CONVERGED, _STEPS = 1e-10, 10_000
_TEMPERATURES = (float(np.log(0.01)), float(np.log(100.0)))
"""Of which the logarithm is searched."""
_FEWEST = 5
_BIAS = 20.0
"""Bound of a class's bias: a class without a validation image would go on for ever."""


@dataclass(frozen=True)
class Calibration:
    """Probabilities are softmax(scores / temperature + bias).

    Attributes:
        temperature: Above 0.
        bias: float64 (n_classes,).
    """

    temperature: float
    bias: AnyArray

    def of(self, scores: AnyArray) -> AnyArray:
        """Logarithms of probabilities, float64 (n, n_classes)."""
        return np.asarray(log_softmax(np.asarray(scores, np.float64) / self.temperature + self.bias, axis=1))


class Corrector:
    """Estimates w = target share / source share from probabilities of the target.

    Args:
        source: (n_classes,) class shares that the probabilities were fitted for.
        calibration: What makes scores probabilities.
        confusion: (n_classes, n_classes) shares of (predicted, true) on the source; None estimates by EM.
    """

    def __init__(self, source: AnyArray, calibration: Calibration, confusion: AnyArray | None) -> None:
        self.source = source
        self.calibration = calibration
        self.confusion = confusion

    def calibrated(self, scores: FloatArray) -> AnyArray:
        """Logarithms of probabilities, float64 (n, n_classes)."""
        return self.calibration.of(scores)

    def weights(self, log_probability: AnyArray) -> AnyArray:
        """w, float64 (n_classes,)."""
        if self.confusion is None:
            return em_shares(np.exp(log_probability), self.source) / self.source
        return bbse_shares(log_probability.argmax(axis=1), self.confusion) / self.source


def em_shares(probability: AnyArray, source: AnyArray) -> AnyArray:
    """Class shares of the target, (n_classes,), of probabilities (n, n_classes) that hold under the source's shares."""
    shares = source
    for _ in range(_STEPS):
        corrected = probability * (shares / source)
        moved = (corrected / corrected.sum(axis=1, keepdims=True)).mean(axis=0)
        moved = np.maximum(moved, _LEAST) / np.maximum(moved, _LEAST).sum()
        change = np.abs(moved - shares).max()
        shares = moved
        if change < _CONVERGED:
            break
    return shares


def bbse_shares(predicted: AnyArray, confusion: AnyArray) -> AnyArray:
    """Class shares of the target, (n_classes,).

    Args:
        predicted: int64 (n,), the classes that were predicted on the target.
        confusion: (n_classes, n_classes) shares of (predicted, true) on the source.
    """
    share = np.bincount(predicted, minlength=len(confusion)) / len(predicted)
    ratio = np.maximum(np.linalg.lstsq(confusion, share, rcond=None)[0], 0)
    target = np.maximum(ratio * confusion.sum(axis=0), _LEAST)
    return np.asarray(target / target.sum())


def confusion_of(base: Predictor, val: LabelledImages, n_classes: int) -> AnyArray:
    """Shares of (predicted, true) among validation images, (n_classes, n_classes)."""
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (base.scores(val.images).argmax(axis=1), val.labels), 1)
    return np.asarray(counts / len(val))


def best_calibration(scores: AnyArray, labels: AnyArray, groups: AnyArray | None, seed: int) -> Kind:
    """Which of `none`, `temperature` and `bias-corrected` has the least NLL on validation images held out from it.

    A bias for each class is learned from that class's images: it is tried where each has at least five, since the bias
    of a class that validation lacks says that there is none, and no estimate of shares takes that back. Folds are
    drawn without a look at labels: stratified ones would show each bias the class's share of the very images that it is
    tried on.

    Args:
        scores: (n, n_classes) logits of validation images.
        labels: int64 (n,).
        groups: int64 (n,), which are not divided, or None.
        seed: Of the folds.
    """
    unit = units(np.asarray(scores, np.float32), groups)
    count = int(unit.max()) + 1
    if count < 2:
        return "none"
    fold = (np.random.default_rng(seed).permutation(count) % min(FOLDS, count))[unit]
    losses: dict[Kind, float] = {"none": 0.0, "temperature": 0.0}
    if np.bincount(labels, minlength=scores.shape[1]).min() >= _FEWEST:
        losses["bias-corrected"] = 0.0
    for number in range(min(FOLDS, count)):
        held, others = fold == number, fold != number
        for name in losses:
            found = Calibration(1.0, np.zeros(scores.shape[1]))
            if name != "none":
                found = calibrated_on(scores[others], labels[others], biases=name == "bias-corrected")
            losses[name] -= float(found.of(scores[held])[np.arange(held.sum()), labels[held]].sum())
    return min(losses, key=losses.__getitem__)


def calibrated_on(scores: AnyArray, labels: AnyArray, *, biases: bool) -> Calibration:
    """The calibration under which labels have the least mean NLL, from that of no change.

    Args:
        scores: (n, n_classes) logits of validation images.
        labels: int64 (n,).
        biases: Whether classes have a bias each, beside the temperature.
    """
    x, n_classes = np.asarray(scores, np.float64), scores.shape[1]
    hot = np.eye(n_classes)[labels]

    def loss(values: AnyArray) -> tuple[float, AnyArray]:
        slope, bias = np.exp(-values[0]), values[1:] if biases else np.zeros(n_classes)
        log_p = log_softmax(slope * x + bias, axis=1)
        residual = (np.exp(log_p) - hot) / len(x)
        of_slope = -slope * (residual * x).sum()
        return float(-(log_p * hot).sum() / len(x)), np.append(of_slope, residual.sum(axis=0) if biases else [])

    bounds = [_TEMPERATURES, *[(-_BIAS, _BIAS)] * (n_classes if biases else 0)]
    found = minimize(loss, np.zeros(len(bounds)), jac=True, method="L-BFGS-B", bounds=bounds, tol=1e-12).x
    return Calibration(float(np.exp(found[0])), found[1:] if biases else np.zeros(n_classes))
