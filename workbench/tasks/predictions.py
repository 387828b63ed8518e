"""A run's predictions of the test items: enough to compute every metric again without a model."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import DataError, UnknownMetricError
from workbench.inputs import check_regular
from workbench.metrics import Estimate, Measured, Metric, align_items, measure_items, measure_scores
from workbench.metrics.measured import Build
from workbench.registry import closest
from workbench.tasks.examples import Example, ScoredAnswer
from workbench.tasks.groups import group_codes

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.datasets import Dataset


@dataclass(frozen=True)
class ItemScores:
    """The scores that a metric is a function of, item by item.

    Attributes:
        ids: Items.
        groups: Group names, or None where an item has none.
        values: Scores (n, ...) that the metric is a function of, or values (n,) that it is the mean of.
        truth: The labels (n, ...), which must be equal in runs that are compared; None for means.
        build: From scores, items one after the other as often as they are given, to an evaluator that has the metric;
            None where it is the mean of the values.
    """

    ids: Sequence[str]
    groups: Sequence[str | None]
    values: AnyArray
    truth: AnyArray | None = None
    build: Build | None = None

    def in_order_of(self, reference: "ItemScores") -> AnyArray:
        """The values with items in the order of others; raises `NotComparableError` if they are not the same."""
        if np.asarray(self.truth).ndim != np.asarray(reference.truth).ndim:
            raise DataError("different labels: one label an item, and a list of them.")
        same = np.array_equal(np.asarray(reference.truth), np.asarray(self.truth))
        if list(reference.ids) == list(self.ids) and same:
            return self.values
        ids, others = (np.asarray(scores.ids, np.str_) for scores in (reference, self))
        return np.asarray(self.values[align_items(ids, others, reference.truth, self.truth)])

    def measured(self, values: AnyArray, metric: str) -> Measured:
        """The metric of values (s, n, ...) of s seeds, in the order of these items."""
        groups = group_codes(self.groups)
        if self.build is None:
            return measure_items(values, groups, metric=metric)
        return measure_scores(values, self.build, groups, metric=metric)


class Predictions(ABC):
    """Results of one run on the test items. Each task has a class of its own.

    Attributes:
        examples_are: Noun phrase for the items of `examples`.
    """

    examples_are: ClassVar[str] = "items, the worst first"

    @abstractmethod
    def estimates(self, metrics: Sequence[Metric]) -> dict[str, Estimate]:
        """Metrics with their intervals.

        Args:
            metrics: Those that these items do not define are left out.
        """

    def chance(self) -> dict[str, float]:
        """Chance levels, by the metric's name with `chance_` before it; empty where they are unknown."""
        return {}

    def stability(self) -> dict[str, float]:
        """What other orders of the items change, of predictors that see a stream; empty for all others."""
        return {}

    def tests(self, metrics: Sequence[Metric]) -> dict[str, float]:  # noqa: ARG002
        """P-values about this run by itself, by name; none by default.

        Args:
            metrics: Those of the run.
        """
        return {}

    @abstractmethod
    def comparable(self) -> Sequence[str]:
        """Names of the metrics by which runs can be compared."""

    @abstractmethod
    def scores_of(self, metric: str) -> ItemScores:
        """The scores that a metric is a function of; raises `UnknownMetricError` if runs cannot be compared by it."""

    @abstractmethod
    def examples(self) -> list[Example]:
        """All items, those that went wrong before the others, the worst first."""

    def suspects(self) -> list[int]:
        """Places of the items whose labels are probably wrong, the most suspect first; none by default."""
        return []

    def answers(self, place: int, dataset: "Dataset | None" = None, row: int | None = None) -> list[ScoredAnswer]:  # noqa: ARG002
        """The answers to an item, those that the run scores highest first; none by default.

        Args:
            place: The item, see `Example.place`.
            dataset: The dataset, where it is at hand: sentences and boxes that predictions do not hold come from it.
            row: The row of the item's image there.
        """
        return []

    def matched(self, reference: Self) -> Self:  # noqa: ARG002
        """These predictions with classes in the order of others.

        Raises:
            DataError: The classes differ; says how.
        """
        return self

    def unlike(self, other: Self) -> list[str]:  # noqa: ARG002
        """Sentences about differences that readers must know of, such as other names of classes."""
        return []

    @abstractmethod
    def to_table(self) -> "pa.Table":
        """As a table, a row an item."""

    @classmethod
    @abstractmethod
    def from_table(cls, table: "pa.Table") -> Self:
        """From a table of `to_table`; may raise anything where the table is damaged."""

    def write(self, path: Path) -> None:
        """Write as Parquet."""
        import pyarrow.parquet as pq

        pq.write_table(self.to_table(), path, compression="zstd")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote; raises `DataError` naming the file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            check_regular(path)
            return cls.from_table(pq.read_table(path))
        except (
            OSError,
            LookupError,
            AttributeError,
            ValueError,
            TypeError,
            RecursionError,
            pa.ArrowException,
        ) as error:
            raise DataError(f"{path}: not a predictions file of the workbench, or damaged ({error}).") from error

    def unknown(self, metric: str) -> UnknownMetricError:
        """The error for a metric that runs cannot be compared by."""
        names = self.comparable()
        # Metrics of single kinds of items are left out: they are many.
        short = ", ".join(name for name in names if "/" not in name)
        return UnknownMetricError(
            f"metric {metric!r} cannot be compared item by item.{closest(metric, names)} "
            f"These can be compared: {short}."
        )


def table_of(columns: Mapping[str, Any], about: Mapping[str, Any]) -> "pa.Table":
    """Columns as a table, with values in its metadata as JSON."""
    import pyarrow as pa

    return pa.table(dict(columns)).replace_schema_metadata({"workbench": json.dumps(dict(about))})


def columns_of(table: "pa.Table") -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """The columns, as lists, and the values of a table of `table_of`."""
    about: dict[str, Any] = json.loads((table.schema.metadata or {})[b"workbench"])
    return {name: table.column(name).to_pylist() for name in table.column_names}, about
