"""A table of results, before it is text: its sections, rows and cells."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default

from workbench.metrics.formatting import format_difference, format_interval, format_value, heading


@dataclass(frozen=True)
class MetricCell:
    """A metric of a run, or of several seeds.

    Attributes:
        value: NaN where the run has no such metric.
        low: Lower end of the interval, or NaN.
        high: Upper end, or NaN.
        spread: Standard deviation over seeds, or NaN.
        reliable: Whether the interval is reliable.
        best: Whether it is the best of finished runs with the same shots or with no training image.
        gain: It minus zero-shot on the same images, where that is shown; else NaN.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    spread: float = math.nan
    reliable: bool = True
    best: bool = False
    gain: float = math.nan


@dataclass(frozen=True)
class Row:
    """A run, or several seeds of one.

    Attributes:
        model: Model argument.
        recipe: The recipe's label, the baseline marked as such.
        shots: Shots as recorded.
        seeds: The seed, or how many there are (`3 seeds`).
        status: As recorded.
        reason: Why it failed, in one line.
        cells: By metric.
        trains: Whether it learns from images; the baseline, which counts labels, does not.
    """

    model: str
    recipe: str
    shots: str
    seeds: str
    status: str
    reason: str
    cells: dict[str, MetricCell]
    trains: bool = True

    @property
    def block(self) -> str:
        """The block of comparable rows: its shots, `0` for all rows that learn from no image."""
        return self.shots if self.trains else "0"


@dataclass(frozen=True)
class ResultSection:
    """The runs on one state of a dataset: those with the most shots first, the best first at each, unfinished last.

    Runs with the same shots and seed have the same training images. Rows that learn from no image belong to all blocks.

    Attributes:
        dataset: Name, with the language where it is not English.
        state: Beginning of its fingerprint where results on several states are shown, else empty.
        field: Its field.
        primary: The metric that orders the rows.
        metrics: Columns.
        rows: Runs.
        notes: Sentences about the dataset, as its newest run has them, and about models on it.
        measured: Of a table of transfers the metric of each column, which is a dataset; else empty.
    """

    dataset: str
    state: str
    field: str
    primary: str
    metrics: tuple[str, ...]
    rows: list[Row]
    notes: tuple[str, ...] = ()
    measured: Mapping[str, str] = default(default_factory=dict)

    @property
    def of_transfers(self) -> bool:
        """Whether columns are datasets that are tested on."""
        return bool(self.measured)

    def metric_of(self, column: str) -> str:
        """The metric of a column."""
        return self.measured.get(column, column)

    def heading_of(self, column: str) -> str:
        """The heading of a column."""
        return f"{column}: {heading(self.measured[column])}" if self.of_transfers else heading(column)


def numbers(metric: str, cell: MetricCell) -> str:
    """A cell as text without marks: `69.3 [66.1, 72.5]` or `69.3 ± 1.2 [66.0, 72.8]`; `-` where it is empty.

    Of transfers what it is above zero-shot stands behind: `69.3 [66.1, 72.5], +8.0`.
    """
    text = format_value(metric, cell.value)
    if not math.isnan(cell.spread):
        text += f" ± {format_value(metric, cell.spread)}"
    text = f"{text} {format_interval(metric, cell.low, cell.high)}".rstrip()
    return text if math.isnan(cell.gain) else f"{text}, {format_difference(metric, cell.gain).removesuffix(' points')}"
