"""How a recipe's metric goes on with more training images, from its numbers at several numbers of shots."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from workbench.errors import WorkbenchError
from workbench.metrics import Measured, higher_is_better, quantity_named
from workbench.metrics.learning_curve import MIN_POINTS, Expected, PowerLaw, fit_power_law
from workbench.runs.comparisons.results import GroupResult
from workbench.tracking import RunResult

FEW_SEEDS = 3
"""With fewer seeds a band knows little of how much the choice of training images matters, and is too narrow."""
_MIN_REPLICATES = 100


@dataclass(frozen=True)
class HeldBack:
    """The largest number of training images, as the others predict it.

    Attributes:
        expected: The metric there, from a law that has not seen it.
        measured: What was measured.
    """

    expected: Expected
    measured: float

    @property
    def is_met(self) -> bool:
        """Whether it was measured within the band."""
        return self.expected.low <= self.measured <= self.expected.high


@dataclass(frozen=True)
class LearningCurve:
    """A recipe on a dataset at several numbers of training images.

    Attributes:
        entries: Results, by their number of training images, each number once.
        classes: Number of classes; None where the task has none.
        law: All power laws of the error that the results do not rule out; None where there is none, see `problem`.
        held_back: The check with the largest number of images; None where too few are left.
        problem: Why there is no law, in a sentence; empty where there is one.
    """

    entries: tuple[GroupResult, ...]
    classes: int | None
    law: PowerLaw | None
    held_back: HeldBack | None = None
    problem: str = ""

    @property
    def run(self) -> RunResult:
        """A run that stands for all."""
        return self.entries[0].run

    @property
    def metric(self) -> str:
        """The metric's name."""
        return self.entries[0].metric

    @property
    def label(self) -> str:
        """The recipe's name in tables."""
        return self.entries[0].group.label

    @property
    def has_few_seeds(self) -> bool:
        """Whether some number of images has fewer than `FEW_SEEDS` seeds."""
        return min(len(entry.by_seed) for entry in self.entries) < FEW_SEEDS

    def at(self, images: float) -> Expected:
        """The metric to be expected at a number of training images in all; needs a law."""
        assert self.law is not None
        return _as_metric(self.metric, self.law.at(images))

    def images_for(self, target: float) -> Expected:
        """Training images in all at which a value of the metric is to be expected; needs a law.

        `inf` beyond `FARTHEST` times the largest number that was measured.
        """
        assert self.law is not None
        return self.law.images_for(abs(_best(self.metric) - target))


def check_target(metric: str, target: float) -> None:
    """Refuse a value that the metric cannot have.

    Raises:
        WorkbenchError: It names the metric's range.
    """
    low, high = quantity_named(metric).bounds
    if not low <= target <= high:
        share = " (a share: 0.9 is 90 %)" if quantity_named(metric).is_share else ""
        raise WorkbenchError(f"--target {target:g}: {metric} lies between {low:g} and {high:g}{share}.")


def learning_curves(
    entries: Sequence[GroupResult], measured: Sequence[Measured], classes: int | None
) -> list[LearningCurve]:
    """A curve for each model and recipe of which there are results at several numbers of training images.

    Args:
        entries: Results on one dataset.
        measured: Their measurements, resampled alike.
        classes: Number of classes, where the task has any.
    """
    series: dict[tuple[str, str, str], dict[float, int]] = defaultdict(dict)
    for i, entry in sorted(enumerate(entries), key=lambda pair: pair[1].group.train_images):
        if not entry.group.is_everywhere and not entry.group.is_baseline and entry.group.train_images > 0:
            # Where a class has fewer images than shots, more shots bring none: the fewest of equal ones stay.
            series[entry.run.dataset, entry.run.model, entry.group.label].setdefault(entry.group.train_images, i)
    curves = []
    for indices in series.values():
        chosen = list(indices.values())
        if len(chosen) > 1:
            curves.append(_curve([entries[i] for i in chosen], [measured[i] for i in chosen], classes))
    return curves


def _curve(entries: Sequence[GroupResult], measured: Sequence[Measured], classes: int | None) -> LearningCurve:
    metric, found = entries[0].metric, tuple(entries)
    if not isfinite(_best(metric)):
        return LearningCurve(found, classes, None, problem=f"{metric} has no best value that a curve could approach.")
    if len(entries) < MIN_POINTS:
        problem = (
            f"a curve needs {MIN_POINTS} different numbers of training images, and there are {len(entries)}; run the "
            "suite with more values of shots, such as shots = [1, 2, 4, 8, 16]."
        )
        return LearningCurve(found, classes, None, problem=problem)
    replicates = np.stack([each.replicates for each in measured])
    defined = np.isfinite(replicates).all(axis=0)
    if np.count_nonzero(defined) < _MIN_REPLICATES:
        return LearningCurve(
            found, classes, None, problem=f"{metric} is undefined in most resamples of the test items."
        )
    images = np.array([entry.group.train_images for entry in entries])
    errors = np.abs(_best(metric) - np.array([each.value for each in measured]))
    covariance = np.cov(replicates[:, defined])
    law, held_back = fit_power_law(images, errors, covariance), None
    if len(images) > MIN_POINTS:
        others = fit_power_law(images[:-1], errors[:-1], covariance[:-1, :-1])
        held_back = HeldBack(_as_metric(metric, others.at(float(images[-1]))), measured[-1].value)
    return LearningCurve(found, classes, law, held_back)


def _best(metric: str) -> float:
    low, high = quantity_named(metric).bounds
    return high if higher_is_better(metric) else low


def _as_metric(metric: str, error: Expected) -> Expected:
    """From errors, with the ends in their order."""
    if not higher_is_better(metric):
        return error
    best, least = _best(metric), quantity_named(metric).bounds[0]
    value, low, high = (max(least, best - end) for end in (error.value, error.high, error.low))
    return Expected(value, low, high)
