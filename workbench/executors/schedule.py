"""Which piece of work comes next: of each dataset and model the features first, then all batches."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from workbench.executors.jobs import Cell

ATTEMPTS = 3
"""How often a piece of work may lose its worker before it is given up."""


@dataclass(frozen=True)
class Task:
    """A piece of work for one worker.

    Attributes:
        number: Tells tasks of a job apart.
        cell: Index of the dataset and model.
        keys: Run keys of a batch; none where only the features of the cell are wanted.
        piece: Number of the piece of the features that is wanted, and how many there are; None if all are.
    """

    number: int
    cell: int
    keys: tuple[str, ...] = ()
    piece: tuple[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """For a line of JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Task":
        """The task that `to_json` wrote."""
        piece = values["piece"]
        return cls(values["number"], values["cell"], tuple(values["keys"]), None if piece is None else tuple(piece))


class Schedule:
    """Hands out tasks, and takes back those whose worker is lost.

    A cell with several batches is ready for all workers once its features are computed, so that no two compute the
    same: in pieces first, if there are any, and then by one worker, who finds what the pieces have left.

    Args:
        cells: The job's cells.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._waiting = [list(cell.batches) for cell in cells]
        self._pieces = [[(i, cell.pieces) for i in range(cell.pieces)] if cell.batches else [] for cell in cells]
        self._unfinished = [len(pieces) for pieces in self._pieces]
        self._cold: set[int] = set()
        self._ready: set[int] = set()
        for i, cell in enumerate(cells):
            if cell.batches and not self._pieces[i]:
                self._features_of_pieces_are_done(i)
        self._attempts: Counter[tuple[int, tuple[str, ...], tuple[int, int] | None]] = Counter()
        self._given = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits; tasks may be in hand."""
        return not any(self._waiting)

    @property
    def at_hand(self) -> int:
        """How many tasks could be begun now."""
        pieces = sum(map(len, self._pieces))
        return pieces + len(self._cold) + sum(len(self._waiting[i]) for i in self._ready)

    def next(self, cell: int | None) -> Task | None:
        """The next task; None where nothing waits, or only for features that are being computed.

        Args:
            cell: The cell that the worker has open, which is gone on with first.
        """
        ready = [i for i in self._ready if self._waiting[i]]
        if cell in ready:
            return self._task(cell, self._waiting[cell].pop(0))
        cut = [i for i, pieces in enumerate(self._pieces) if pieces]
        if cut:
            chosen = cell if cell is not None and cell in cut else cut[0]
            return self._task(chosen, (), self._pieces[chosen].pop(0))
        if self._cold:
            first = min(self._cold)
            self._cold.remove(first)
            return self._task(first, ())
        if ready:
            most = max(ready, key=lambda i: len(self._waiting[i]))
            return self._task(most, self._waiting[most].pop(0))
        return None

    def done(self, task: Task) -> None:
        """A task has come to its end."""
        if task.piece is not None:
            self._unfinished[task.cell] -= 1
            if not self._unfinished[task.cell]:
                self._features_of_pieces_are_done(task.cell)
        elif not task.keys:
            self._ready.add(task.cell)

    def lost(self, task: Task, made: Collection[str]) -> tuple[str, ...]:
        """A task's worker is gone: the task is handed out again, without the runs that were made.

        Returns:
            Keys of runs that are given up, since it happened `ATTEMPTS` times.
        """
        self._attempts[task.cell, task.keys, task.piece] += 1
        given_up = self._attempts[task.cell, task.keys, task.piece] >= ATTEMPTS
        if task.piece is not None:
            if given_up:  # Whoever computes what is left meets what is wrong with it, and has the blame.
                self.done(task)
            else:
                self._pieces[task.cell].append(task.piece)
            return ()
        if not task.keys:
            if given_up:
                keys = tuple(key for batch in self._waiting[task.cell] for key in batch)
                self._waiting[task.cell].clear()
                return keys
            self._cold.add(task.cell)
            return ()
        left = tuple(key for key in task.keys if key not in made)
        if given_up or not left:
            return left
        self._attempts[task.cell, left, None] = self._attempts[task.cell, task.keys, None]
        self._waiting[task.cell].insert(0, left)
        return ()

    def _features_of_pieces_are_done(self, cell: int) -> None:
        """One batch alone computes what is left of its features itself."""
        (self._ready if len(self._waiting[cell]) == 1 else self._cold).add(cell)

    def _task(self, cell: int, keys: tuple[str, ...], piece: tuple[int, int] | None = None) -> Task:
        self._given += 1
        return Task(self._given, cell, keys, piece)
