"""What the results of retrieval, matching, grounding and captioning have in common: means over items, and a file."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.arrays import AnyArray
from workbench.errors import UnknownMetricError
from workbench.metrics import Estimate
from workbench.registry import closest


@dataclass(frozen=True)
class ItemValues:
    """What a metric is the mean of.

    Attributes:
        ids: Items.
        groups: Group names, or None where an item has none.
        values: (n,).
    """

    ids: Sequence[str]
    groups: Sequence[str | None]
    values: AnyArray


class JointPredictions(ABC):
    """Results of one run on the test items."""

    @abstractmethod
    def metrics(self) -> dict[str, Estimate]:
        """Every metric with its interval."""

    @abstractmethod
    def chance(self) -> dict[str, float]:
        """What guessing would reach, by the metric's name with `chance_` before it."""

    @abstractmethod
    def terms(self) -> dict[str, Callable[[], ItemValues]]:
        """The metrics that are means over items, by name."""

    @abstractmethod
    def write(self, path: Path) -> None:
        """Write as Parquet."""

    def comparable(self) -> tuple[str, ...]:
        """The metrics by which runs can be compared."""
        return tuple(self.terms())

    def item_values(self, metric: str) -> ItemValues:
        """What a metric is the mean of; raises `UnknownMetricError` where it is none."""
        known = self.terms()
        if metric not in known:
            names = self.comparable()
            # Those of single kinds of items are many.
            short = ", ".join(name for name in names if "/" not in name)
            raise UnknownMetricError(
                f"metric {metric!r} cannot be compared item by item.{closest(metric, names)} "
                f"These can be compared: {short}."
            )
        return known[metric]()


def write_table(path: Path, columns: dict[str, Any], about: dict[str, Any]) -> None:
    """Write columns as Parquet, and `about`, by which `read_joint_predictions` knows the task, into its metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(columns).replace_schema_metadata({"workbench": json.dumps(about)})
    pq.write_table(table, path, compression="zstd")
