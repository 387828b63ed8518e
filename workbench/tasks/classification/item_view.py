"""Predictions as another object that metrics are computed from: decisions, sets of classes, known or unknown images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics import Estimate, Evaluator, Metric, estimate_metrics, metric_named
from workbench.metrics.functional import ones
from workbench.metrics.measured import repeat_labels
from workbench.tasks.groups import group_codes
from workbench.tasks.predictions import ItemScores

if TYPE_CHECKING:
    from workbench.tasks.classification.predictions import ClassPredictions

Rebuild = Callable[[AnyArray, AnyArray], object]
"""From values and truth of items, one after the other as often as they are given, to what metrics are computed from."""


@dataclass(frozen=True)
class ItemView:
    """What metrics of a view are computed from, and what comparisons exchange between two runs.

    Attributes:
        subject: What metrics are computed from.
        ids: Items.
        groups: As `Predictions.groups`.
        truth: (n, ...), equal in runs that are compared.
        values: (n, m), what a run says of each item, with its thresholds behind it: runs are compared by these.
        rebuild: See `Rebuild`; None where runs are compared by `means` alone.
        parts: Names of the parts of each metric that has some of its own.
        means: The metrics, parts included, that are means over items, with their terms (n,).
    """

    subject: object
    ids: Sequence[str]
    groups: Sequence[str | None]
    truth: AnyArray
    values: AnyArray = field(default_factory=lambda: np.zeros((0, 0)))
    rebuild: Rebuild | None = None
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    means: Mapping[str, AnyArray] = field(default_factory=dict)

    def keys(self, metric: str) -> list[str]:
        """Names of a metric's parts."""
        return list(metric_named(metric).part_names or self.parts.get(metric, ()))

    def estimates(self, metrics: Sequence[Metric]) -> dict[str, Estimate]:
        """Metrics with their intervals, parts by their names."""
        found = estimate_metrics(metrics, self.subject, len(self.ids), group_codes(self.groups))
        return {self._named(name): estimate for name, estimate in found.items()}

    def comparable(self, metrics: Sequence[Metric]) -> list[str]:
        """Names of the metrics, parts included, that these items define and runs can be compared by."""
        values = Evaluator(metrics, self.subject)(ones(len(self.ids)))
        names = [self._named(name) for name, value in values.items() if not np.isnan(value).any()]
        return [name for name in names if self.rebuild is not None or name in self.means]

    def scores_of(self, metric: str) -> ItemScores | None:
        """What runs are compared by in a metric; None where they cannot be."""
        if metric in self.means:
            return ItemScores(self.ids, self.groups, self.means[metric])
        base, _, part = metric.partition("/")
        keys = self.keys(base)
        if self.rebuild is None or (part and part not in keys) or metric not in self.comparable([metric_named(base)]):
            return None
        build = partial(_evaluator, self.rebuild, self.truth, metric, keys.index(part) if part else None)
        return ItemScores(self.ids, self.groups, self.values, self.truth, build)

    def _named(self, name: str) -> str:
        base, _, index = name.partition("/")
        return f"{base}/{self.keys(base)[int(index)]}" if index else name


@dataclass(frozen=True)
class View:
    """A way to see predictions.

    Attributes:
        metrics: Those that are computed from it.
        of: The view of predictions; None where they have none.
    """

    metrics: tuple[Metric, ...]
    of: "Callable[[ClassPredictions], ItemView | None]"

    @property
    def names(self) -> set[str]:
        """Names of the metrics."""
        return {metric.name for metric in self.metrics}


def _evaluator(rebuild: Rebuild, truth: AnyArray, metric: str, part: int | None, values: AnyArray) -> Evaluator:
    evaluator = Evaluator([metric_named(metric)], rebuild(values, repeat_labels(truth, len(values))))
    return evaluator if part is None else evaluator.only(part, metric)
