"""Columns that may say which images belong together, where the card names no groups."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import IntArray
from workbench.datasets.sources._columns import text

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset

_NAMES = re.compile(
    r"(^|[\W_])(patient|subject|person|participant|donor|animal|mouse|individual|specimen|sample|biopsy|slide|smear|scan|"
    r"study|exam|visit|case|eye|plant|tree|leaf|plot|observation|occurrence|event|burst|video|clip|movie|film|scene|"
    r"sequence|seq|session|ride|drive|route|episode|trajectory|demo|recording|bag)s?([\W_]?(id|no|nr|number|name|key|uid))?"
    r"($|[\W_])",
    re.IGNORECASE,
)
_MOST_ROWS = 100_000
"""Of more images the first so many are looked at: sources list neighbours one after the other."""
_REPEATED = 0.3
_LEAST_VALUES_BY_NAME, _LEAST_VALUES_BY_PAIRS = 3, 10
_LEAST_PAIRS, _AGREEMENT = 5, 0.9


@dataclass(frozen=True)
class GroupColumn:
    """A column that the card does not name as its groups, and that may be.

    Attributes:
        name: Of the column.
        values: Number of different values.
        divided: How many of them stand in more than one split.
        agreement: Share of near duplicates across splits that have one value, where that is why it is named.
    """

    name: str
    values: int
    divided: int
    agreement: float | None

    def __str__(self) -> str:
        """A sentence that says what to do."""
        why = "" if self.agreement is None else f", and {self.agreement:.0%} of near duplicates across splits share one"
        return (
            f"Column {self.name!r} may say which images belong together: {self.divided} of its {self.values} values "
            f"stand in more than one split{why}. If so, columns.group = {json.dumps(self.name, ensure_ascii=False)} "
            'and splits.by = "group" in a card keep each in one.'
        )


def column_notes(dataset: "Dataset", match: IntArray | None = None) -> list[str]:
    """Sentences about columns that mean groups by their name, or, with `match`, about those that do by it."""
    return [str(column) for column in group_columns(dataset, match) if (column.agreement is None) == (match is None)]


def group_columns(dataset: "Dataset", match: IntArray | None = None) -> list[GroupColumn]:
    """Columns whose values repeat among few images, stand in several splits, and mean groups.

    They do by their name (patient, video, observation, ...), or because near duplicates share their value more often
    than chance would have it. A column that says no more than the label is none.

    Args:
        dataset: Where it has groups, or other columns are part of its task, none is named.
        match: As of `Duplicates`; None looks at names alone.
    """
    records = dataset.manifest.records
    if dataset.card.reads_items or not any(record.extra for record in records):
        return []
    if any(record.group for record in records):
        return []
    cells: dict[str, dict[int, str]] = defaultdict(dict)
    for row, record in enumerate(records[:_MOST_ROWS]):
        for name, value in json.loads(record.extra or "{}").items():
            if isinstance(value, str | int) and (cell := text(value)) is not None:
                cells[name][row] = cell
    found = (_candidate(dataset, name, values, match) for name, values in cells.items() if name.lower() != "group")
    return [column for column in found if column is not None]


def _candidate(dataset: "Dataset", name: str, cells: Mapping[int, str], match: IntArray | None) -> GroupColumn | None:
    counts = Counter(cells.values())
    repeated = sum(count for count in counts.values() if count > 1)
    if repeated < _REPEATED * min(len(dataset), _MOST_ROWS):
        return None
    effective = len(cells) ** 2 / sum(count**2 for count in counts.values())
    records = dataset.manifest.records
    if len({(records[row].labels, cell) for row, cell in cells.items()}) == len({records[row].labels for row in cells}):
        return None
    agreement = None
    if not (_NAMES.search(name) and effective >= _LEAST_VALUES_BY_NAME):
        agreement = _agreement(cells, match) if match is not None else None
        if agreement is None or agreement < _AGREEMENT or effective < _LEAST_VALUES_BY_PAIRS:
            return None
    splits: dict[str, set[str | None]] = defaultdict(set)
    for row, cell in cells.items():
        splits[cell].add(records[row].split)
    divided = sum(len(names) > 1 for names in splits.values())
    return GroupColumn(name, len(counts), divided, agreement) if divided else None


def _agreement(cells: Mapping[int, str], match: IntArray) -> float | None:
    pairs = [(cells[row], cells[other]) for row, other in _pairs(match) if row in cells and other in cells]
    return sum(a == b for a, b in pairs) / len(pairs) if len(pairs) >= _LEAST_PAIRS else None


def _pairs(match: IntArray) -> Sequence[tuple[int, int]]:
    rows = np.flatnonzero(match >= 0)
    return list(zip(rows.tolist(), match[rows].tolist(), strict=True))
