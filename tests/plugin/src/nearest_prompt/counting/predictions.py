"""`predictions.parquet` of counting: the true and the predicted count of every test image."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self

import numpy as np

from workbench.plugin import (
    Estimate,
    Evaluator,
    Example,
    FloatArray,
    ItemScores,
    Metric,
    Predictions,
    columns_of,
    estimate_metrics,
    fitting_metrics,
    group_codes,
    metric_named,
    table_of,
)


@dataclass(frozen=True)
class Counts:
    """What metrics of counts are functions of, float64 (n,) each."""

    true_counts: FloatArray
    predicted_counts: FloatArray


@dataclass(frozen=True)
class CountPredictions(Predictions):
    """Counts of test images.

    Attributes:
        ids: Images.
        groups: Group names, or None where an image has none.
        true_counts: float64 (n,).
        predicted_counts: float64 (n,).
    """

    examples_are: ClassVar[str] = "images, the worst counted first"

    ids: Sequence[str]
    groups: Sequence[str | None]
    true_counts: FloatArray
    predicted_counts: FloatArray

    def estimates(self, metrics: Sequence[Metric]) -> dict[str, Estimate]:
        """See `Predictions.estimates`."""
        return estimate_metrics(metrics, self._counts, len(self.ids), group_codes(self.groups))

    def comparable(self) -> list[str]:
        """All metrics of counts."""
        return list(Evaluator(fitting_metrics(self._counts), self._counts).metrics)

    def scores_of(self, metric: str) -> ItemScores:
        """The values of a mean; else the counts, of which the metric is computed for every exchange of two runs'."""
        if metric not in self.comparable():
            raise self.unknown(metric)
        terms = Evaluator([metric_named(metric)], self._counts).terms
        if metric in terms:
            return ItemScores(self.ids, self.groups, terms[metric], self.true_counts)
        build = partial(_evaluator, metric, self.true_counts)
        return ItemScores(self.ids, self.groups, self.predicted_counts, self.true_counts, build)

    def examples(self) -> list[Example]:
        """Images, the worst counted first; wrong are those that are off by half a thing or more."""
        off = self.predicted_counts - self.true_counts
        return [
            Example(
                i, self.ids[i], self.ids[i], f"{self.true_counts[i]:g} there",
                f"{self.predicted_counts[i]:.1f} counted", bool(abs(off[i]) < 0.5),
                {"true count": f"{self.true_counts[i]:g}", "off": "too many" if off[i] > 0 else "too few"},
            )
            for i in np.argsort(-np.abs(off), kind="stable").tolist()
        ]  # fmt: skip

    def to_table(self):
        """`id`, `group`, `true`, `predicted`."""
        columns = {"id": self.ids, "group": self.groups, "true": self.true_counts, "predicted": self.predicted_counts}
        return table_of({name: list(values) for name, values in columns.items()}, {})

    @classmethod
    def from_table(cls, table) -> Self:
        """See `Predictions.from_table`."""
        columns, _ = columns_of(table)
        true, predicted = (np.array(columns[name], np.float64) for name in ("true", "predicted"))
        return cls(columns["id"], columns["group"], true, predicted)

    @property
    def _counts(self) -> Counts:
        return Counts(self.true_counts, self.predicted_counts)


def _evaluator(metric: str, true: FloatArray, predicted: FloatArray) -> Evaluator:
    # The test of a difference gives the counts of both runs, one after the other.
    return Evaluator([metric_named(metric)], Counts(np.tile(true, len(predicted) // len(true)), predicted))
