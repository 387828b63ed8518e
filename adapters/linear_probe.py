"""Linear probe: L2-regularised multinomial logistic regression on frozen features.

Radford et al. (ICML 2021), section 3.2 and appendix A.3. The penalty is swept on a logarithmic grid, and penalty and
features (pooled, or projected into the joint space) are chosen by validation accuracy. Features have unit norm, which
the paper's code leaves out; it makes one grid fit every model.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from workbench import (
    AnyArray,
    ClassificationTask,
    FitReport,
    FloatArray,
    LabelledImages,
    LinearClassifier,
    Recipe,
    RecipeConfig,
    fit_logistic,
    normalise,
)

Space = Literal["pooled", "projected"]


class LinearProbeConfig(RecipeConfig):
    """Settings of `linear-probe`.

    Attributes:
        features: `pooled`, `projected`, or `auto`: validation chooses.
        penalties: Grid of L2 penalties on the mean loss; scikit-learn's C is 1 / (penalty * n).
        default_penalty: Used where there is no validation split.
        max_iterations: Bound on the solver's iterations.
    """

    features: Literal["auto", "pooled", "projected"] = "auto"
    penalties: tuple[float, ...] = Field(
        default=tuple(float(f"{10**e:.3g}") for e in np.arange(-8, 0.1, 0.5)), min_length=1
    )
    default_penalty: float = Field(default=1e-4, gt=0)
    max_iterations: int = Field(default=2000, gt=0)


@dataclass(frozen=True)
class _Candidate:
    weight: FloatArray
    bias: FloatArray
    space: Space
    penalty: float
    accuracy: float
    nll: float
    converged: bool


class LinearProbe(Recipe[LinearProbeConfig]):
    """Fit a linear classifier on frozen image features."""

    Config: ClassVar[type[RecipeConfig]] = LinearProbeConfig
    multi_label: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> LinearClassifier:
        """Sweep, choose on validation, and refit on both where the suite asks for it."""
        spaces: tuple[Space, ...] = ("pooled", "projected")
        if self.config.features != "auto":
            spaces = (self.config.features,)
        penalties = self.config.penalties
        notes = []
        if len(task.val) == 0:
            spaces, penalties = spaces[:1], (self.config.default_penalty,)
            notes.append("There is no validation split, so features and penalty are the defaults.")
        candidates = [c for space in spaces for c in self._sweep(task, space, penalties)]
        # Of equal candidates the one with the larger penalty is the simpler.
        best = max(candidates, key=lambda c: (c.accuracy, -c.nll, c.penalty))
        if not best.converged:
            notes.append(f"The solver stopped after {self.config.max_iterations} iterations before it converged.")
        if len(penalties) > 1 and best.penalty in {min(penalties), max(penalties)}:
            notes.append(f"Validation chose the end of the grid of penalties ({best.penalty:g}).")
        weight, bias = best.weight, best.bias
        if task.refit and len(task.val):
            weight, bias = self._refit(task, best)
        return LinearClassifier(
            weight,
            bias,
            space=best.space,
            report=FitReport(
                chosen={"features": best.space, "penalty": best.penalty},
                trials=[
                    {"features": c.space, "penalty": c.penalty, "val_accuracy": c.accuracy, "val_nll": c.nll}
                    for c in candidates
                ],
                trainable_parameters=weight.size + bias.size,
                notes=tuple(notes),
            ),
        )

    def _sweep(self, task: ClassificationTask, space: Space, penalties: tuple[float, ...]) -> list[_Candidate]:
        x = _features(task.train, space)
        fitted = fit_logistic(
            x, task.train.labels, list(penalties), task.n_classes,
            device=task.device, max_iterations=self.config.max_iterations,
        )  # fmt: skip
        found = []
        validation = _features(task.val, space) if len(task.val) else None
        for i, penalty in enumerate(penalties):
            accuracy, nll = 0.0, 0.0
            if validation is not None:
                logits = validation @ fitted.weight[i].T + fitted.bias[i]
                accuracy, nll = _quality(logits, task.val.labels)
            converged = bool(fitted.converged[i])
            found.append(_Candidate(fitted.weight[i], fitted.bias[i], space, penalty, accuracy, nll, converged))
        return found

    def _refit(self, task: ClassificationTask, best: _Candidate) -> tuple[FloatArray, FloatArray]:
        x = np.concatenate([_features(task.train, best.space), _features(task.val, best.space)])
        labels = np.concatenate([task.train.labels, task.val.labels])
        fitted = fit_logistic(x, labels, [best.penalty], task.n_classes, device=task.device)
        return fitted.weight[0], fitted.bias[0]


def _features(data: LabelledImages, space: Space) -> FloatArray:
    return normalise(getattr(data.images.features, space))


def _quality(logits: FloatArray, labels: AnyArray) -> tuple[float, float]:
    """Validation accuracy (of all label decisions where multi-label) and mean negative log-likelihood."""
    if labels.ndim == 2:
        correct = float(((logits > 0) == labels).mean())
        return correct, float(np.logaddexp(0, np.where(labels, -logits, logits)).mean())
    correct = float((logits.argmax(axis=1) == labels).mean())
    log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return correct, float(-log_p[np.arange(len(labels)), labels].mean())
