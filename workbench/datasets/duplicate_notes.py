"""Sentences about near duplicates across splits, for readers of results."""

from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import IntArray
from workbench.datasets.duplicates import Duplicates
from workbench.datasets.group_columns import column_notes

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset


def duplicate_notes(dataset: "Dataset", duplicates: Duplicates) -> list[str]:
    """How many images that are held out equal or resemble one of an earlier split, and what to do; empty if none does.

    Args:
        dataset: The dataset.
        duplicates: Those among its rows.
    """
    matched = {
        word: (rows, _matched(rows, duplicates.match))
        for word, rows in (("test", dataset.rows("test")), ("validation", dataset.rows("val")))
    }
    parts = [f"{len(some)} of {len(rows)} {word} images" for word, (rows, some) in matched.items() if len(some)]
    if not parts:
        return []
    row = int(next(some[0] for _, some in matched.values() if len(some)))
    other = int(duplicates.match[row])
    (name, like), records = dataset.ids([row, other]), dataset.manifest.records
    note = (
        f"Duplicates across splits: {' and '.join(parts)} equal or look like images of an earlier split, such as "
        f"{name} ({records[row].split}) and {like} ({records[other].split}), so that their numbers say little about "
        "new images. `workbench check` lists them, and with --group-duplicates writes groups by which a card can make "
        "splits."
    )
    return [note, *column_notes(dataset, duplicates.match)]


def _matched(rows: IntArray, match: IntArray) -> IntArray:
    """The rows with a match, in order of the manifest, so that an example is the same each time."""
    return np.sort(rows[match[rows] >= 0])
