"""The card of a counting: images with a number."""

import math
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from nearest_prompt.count_metrics import MEAN_ABSOLUTE_ERROR
from nearest_prompt.counting.predictions import Counts
from workbench.plugin import Columns, DataError, Dataset, DatasetCard, FloatArray, ItemFaults, Metric, added_for


class CountingColumns(Columns):
    """Names of the source's columns.

    Attributes:
        count: How many things there are.
    """

    of_items: ClassVar[tuple[str, ...]] = ("count",)

    count: str | None = None


class CountingCard(DatasetCard):
    """Images of which things are counted."""

    columns: CountingColumns = Field(default_factory=CountingColumns)

    @model_validator(mode="after")
    def _has_counts(self) -> Self:
        if self.columns.count is None:
            raise ValueError(f"task {self.task!r} needs columns.count")
        return self

    def measured(self) -> tuple[Metric, ...]:
        """The mean absolute error ranks runs; then all others that counts have."""
        others = (metric for metric in added_for(Counts) if metric is not MEAN_ABSOLUTE_ERROR)
        return (MEAN_ABSOLUTE_ERROR, *others)

    def fingerprint_parts(self) -> list[Any]:
        """Another column has other counts."""
        return [["count", self.columns.count]]

    def in_words(self, dataset: Dataset, rows) -> list[str]:
        """The count, on the pages that show images."""
        return [f"{count:g}" for count in counts_of(dataset, rows)]

    def item_faults(self, dataset: Dataset) -> ItemFaults:
        """Rows without a count."""
        found = ItemFaults()
        for row in range(len(dataset)):
            with found.noted(dataset.name):
                counts_of(dataset, [row])
        return found


def counts_of(dataset: Dataset, rows) -> FloatArray:
    """The counts of some rows, float64 (n,); raises `DataError` naming the first that has none."""
    assert isinstance(dataset.card, CountingCard)
    column, found = dataset.card.columns.count or "", []
    for name, extra in zip(dataset.ids(rows), dataset.extra(rows), strict=True):
        try:
            value = float(extra[column])
        except (KeyError, TypeError, ValueError):
            value = -1.0
        if not (math.isfinite(value) and value >= 0):
            raise DataError(
                f"dataset {dataset.name!r}: {name}: column {column!r} must hold a count of 0 or more, "
                f"but has {extra.get(column)!r}."
            )
        found.append(value)
    return np.array(found, np.float64)
