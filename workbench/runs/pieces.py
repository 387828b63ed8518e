"""The features that the runs on one dataset and model need, cut into pieces that several workers compute at a time."""

from collections.abc import Iterator, Sequence

import numpy as np

from workbench.arrays import IntArray
from workbench.errors import WorkbenchError
from workbench.runs.execution import Batch
from workbench.runs.planned import cell_of
from workbench.runs.suite import Suite
from workbench.tasks import DatasetTask
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
        cell: -(-sum(task.count_missing(rows) for task, rows in _stages(own)) // BLOCK) for cell, own in by_cell.items()
    }
    return {cell: min(workers, count) if count > 1 else 0 for cell, count in blocks.items()}


def rows_of_piece(batches: Sequence[Batch], piece: int, pieces: int) -> Iterator[tuple[DatasetTask, IntArray]]:
    """The rows of a piece, and whose they are: every so many-th block, split by split.

    Args:
        batches: All batches of a cell.
        piece: 0 to `pieces` - 1.
        pieces: Number of pieces.
    """
    number = 0
    for task, rows in _stages(batches):
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        own = [block for i, block in enumerate(blocks, number) if i % pieces == piece]
        number += len(blocks)
        if own:
            yield task, np.concatenate(own)


def _stages(batches: Sequence[Batch]) -> Iterator[tuple[DatasetTask, IntArray]]:
    """Rows as one process comes to them, batch by batch and split by split; each once.

    Of transfers a cell has several datasets, which hold the same images under other rows: each image is in one of them.
    """
    seen: dict[int, IntArray] = {}
    several = len({id(batch[0].task.data.dataset) for batch in batches}) > 1
    known: set[bytes] = set()
    for batch in batches:
        task, dataset = batch[0].task, batch[0].task.data.dataset
        try:
            requested = [run.task.rows(run.spec) for run in batch]
        except WorkbenchError:
            continue  # The batch fails of that in its turn.
        for split in READING_ORDER:
            before = seen.get(id(dataset), np.empty(0, np.int64))
            rows = np.setdiff1d(np.concatenate([rows.seen(split) for rows in requested]), before)
            seen[id(dataset)] = np.concatenate([before, rows])
            if several:
                keys = [key.tobytes() for key in dataset.hashes(rows)]
                rows = rows[[key not in known for key in keys]]
                known.update(keys)
            if len(rows):
                yield task, rows
