"""Several metrics of the same predictions as one function of item weights."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import functional as F
from workbench.metrics.metric import Metric, Weighted

T = TypeVar("T")
ONE_OF = "\0"
"""Between the name of a metric that is the worst of several, and the number of one of these; no name holds it."""


class Evaluator:
    """Metrics of one run's predictions as functions of item weights.

    Args:
        metrics: Those that the predictions do not define are left out.
        predictions: See `Metric.of`.

    Attributes:
        metrics: The metrics that the predictions define, by name.
        terms: Terms (n,) of the metrics that are means over items.
        fixed_sums: Terms (n,) of the metrics that are sums over items while labels and weights stay.
        boundary: Effective number of items behind the metrics where that is not the number of items.
    """

    def __init__(self, metrics: Iterable[Metric], predictions: object) -> None:
        self.metrics: dict[str, Metric] = {}
        self._weighted: dict[str, Weighted] = {}
        for metric in metrics:
            weighted = metric.of(predictions) if metric.fits(predictions) else None
            if weighted is not None:
                self.metrics[metric.name], self._weighted[metric.name] = metric, weighted
        functions = self._weighted.items()
        self.terms: dict[str, AnyArray] = {
            name: function.terms for name, function in functions if function.terms is not None
        }
        self.fixed_sums: dict[str, AnyArray] = {
            name: function.fixed_sums for name, function in functions if function.fixed_sums is not None
        }
        self.boundary: dict[str, float] = {
            name: function.boundary for name, function in functions if function.boundary is not None
        }
        for name, function in functions:
            self.boundary |= {f"{name}/{i}": size for i, size in enumerate(function.part_boundaries or ())}
            self.boundary |= {f"{name}{ONE_OF}{i}": size for i, size in enumerate(function.worst_boundaries or ())}

    def __call__(self, weights: FloatArray) -> dict[str, F.Values]:
        """Metrics by name, each (b,), of weights (b, n); those of labels by themselves as `NAME/POSITION`.

        Those that a metric is the worst of are there by its name, `ONE_OF` and their number.
        """
        values: dict[str, F.Values] = {}
        if self.terms:
            # One product for all means.
            table = np.column_stack(list(self.terms.values()))
            values |= dict(zip(self.terms, F.weighted_means(table, weights).T, strict=True))
        for name, function in self._weighted.items():
            if function.evaluate is not None:
                values[name] = function.evaluate(weights)
            if function.parts is not None:
                values |= {f"{name}/{i}": column for i, column in enumerate(function.parts(weights).T)}
            if function.worst_of is not None:
                values |= {f"{name}{ONE_OF}{i}": column for i, column in enumerate(function.worst_of(weights).T)}
        return values

    def influence(self, metric: str) -> F.Values | None:
        """See `Weighted.influence`; None for metrics whose replicates are exact."""
        name, _, part = metric.partition("/")
        if metric in self._weighted:
            name, part = metric, ""
        function = self._weighted.get(name)
        return (
            None if function is None or function.influence is None else function.influence(int(part) if part else None)
        )

    def only(self, part: int, name: str) -> "Evaluator":
        """One label by itself, of a single metric that has parts.

        Args:
            part: Its position.
            name: The metric's new name.
        """
        ((base, whole),) = self._weighted.items()
        evaluator = Evaluator((), None)
        parts, influence = whole.parts, whole.influence
        if parts is not None:
            evaluator.metrics[name] = self.metrics[base]
            if whole.part_boundaries is not None:
                evaluator.boundary[name] = whole.part_boundaries[part]
            evaluator._weighted[name] = Weighted(
                lambda weights: parts(weights)[:, part],
                influence=None if influence is None else lambda _part: influence(part),
            )
        return evaluator

    def named(self, name: str) -> "Evaluator":
        """The same single metric under another name, without parts."""
        ((old, weighted),) = self._weighted.items()
        evaluator = Evaluator((), None)
        evaluator.metrics[name], evaluator._weighted[name] = self.metrics[old], replace(weighted, parts=None)
        if old in self.terms:
            evaluator.terms[name] = self.terms[old]
        if old in self.fixed_sums:
            evaluator.fixed_sums[name] = self.fixed_sums[old]
        if old in self.boundary:
            evaluator.boundary[name] = self.boundary[old]
        for i, size in enumerate(weighted.worst_boundaries or ()):
            evaluator.boundary[f"{name}{ONE_OF}{i}"] = size
        return evaluator


class SharedFunction(Generic[T]):
    """A function of weights that several metrics read: its last value is kept.

    Args:
        function: Of weights (b, n).
    """

    def __init__(self, function: Callable[[FloatArray], T]) -> None:
        self._function = function
        self._last: tuple[FloatArray, T] | None = None

    def __call__(self, weights: FloatArray) -> T:
        """The function's value."""
        last = self._last
        if last is None or last[0] is not weights:
            last = self._last = weights, self._function(weights)
        return last[1]
