"""The features that the runs on one dataset and model need, cut into pieces that several workers compute at a time."""

from collections.abc import Iterator, Sequence

import numpy as np

from workbench.arrays import IntArray
from workbench.errors import WorkbenchError
from workbench.runs.execution import Batch
from workbench.runs.planned import cell_of
from workbench.runs.suite import Suite
from workbench.tasks.data import READING_ORDER

BLOCK = 256
"""Images that stay together: a multiple of the usual batch sizes, so that images share their forward passes with those
of a run that is made by one process."""


def count_pieces(batches: Sequence[Batch], suite: Suite, workers: int) -> dict[tuple[str, str], int]:
    """Into how many pieces the features that the store lacks are worth being cut, by cell; 0 where one will do.

    Args:
        batches: All batches.
        suite: Their suite.
        workers: Number of workers, at most as many pieces.
    """
    by_cell: dict[tuple[str, str], list[Batch]] = {}
    for batch in batches:
        by_cell.setdefault(cell_of(batch[0].spec, suite), []).append(batch)
    blocks = {
        cell: -(-sum(own[0][0].task.count_missing(rows) for rows in _stages(own)) // BLOCK)
        for cell, own in by_cell.items()
    }
    return {cell: min(workers, count) if count > 1 else 0 for cell, count in blocks.items()}


def rows_of_piece(batches: Sequence[Batch], piece: int, pieces: int) -> Iterator[IntArray]:
    """The rows of a piece: every so many-th block, split by split.

    Args:
        batches: All batches on one dataset and model.
        piece: 0 to `pieces` - 1.
        pieces: Number of pieces.
    """
    number = 0
    for rows in _stages(batches):
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        own = [block for i, block in enumerate(blocks, number) if i % pieces == piece]
        number += len(blocks)
        if own:
            yield np.concatenate(own)


def _stages(batches: Sequence[Batch]) -> Iterator[IntArray]:
    """Rows as one process comes to them, batch by batch and split by split; each once."""
    seen: list[IntArray] = [np.empty(0, np.int64)]
    for batch in batches:
        try:
            requested = [run.task.rows(run.spec) for run in batch]
        except WorkbenchError:
            continue  # The batch fails of that in its turn.
        for split in READING_ORDER:
            rows = np.setdiff1d(np.concatenate([rows.seen(split) for rows in requested]), np.concatenate(seen))
            seen.append(rows)
            if len(rows):
                yield rows
