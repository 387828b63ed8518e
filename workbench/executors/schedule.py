"""Which piece of work comes next: of each dataset and model the features first, by one worker, then all batches."""

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
    """

    number: int
    cell: int
    keys: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For a line of JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Task":
        """The task that `to_json` wrote."""
        return cls(values["number"], values["cell"], tuple(values["keys"]))


class Schedule:
    """Hands out tasks, and takes back those whose worker is lost.

    A cell with several batches is ready for all workers once one of them has computed its features, so that no two
    compute the same.

    Args:
        cells: The job's cells.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._waiting = [list(cell.batches) for cell in cells]
        self._cold = {i for i, cell in enumerate(cells) if len(cell.batches) > 1}
        self._ready = {i for i, cell in enumerate(cells) if len(cell.batches) == 1}
        self._attempts: Counter[tuple[int, tuple[str, ...]]] = Counter()
        self._given = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits; tasks may be in hand."""
        return not any(self._waiting)

    @property
    def at_hand(self) -> int:
        """How many tasks could be begun now."""
        return len(self._cold) + sum(len(self._waiting[i]) for i in self._ready)

    def next(self, cell: int | None) -> Task | None:
        """The next task; None where nothing waits, or only for features that are being computed.

        Args:
            cell: The cell that the worker has open, which is gone on with first.
        """
        ready = [i for i in self._ready if self._waiting[i]]
        if cell in ready:
            return self._task(cell, self._waiting[cell].pop(0))
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
        if not task.keys:
            self._ready.add(task.cell)

    def lost(self, task: Task, made: Collection[str]) -> tuple[str, ...]:
        """A task's worker is gone: the task is handed out again, without the runs that were made.

        Returns:
            Keys of runs that are given up, since it happened `ATTEMPTS` times.
        """
        self._attempts[task.cell, task.keys] += 1
        given_up = self._attempts[task.cell, task.keys] >= ATTEMPTS
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
        self._attempts[task.cell, left] = self._attempts[task.cell, task.keys]
        self._waiting[task.cell].insert(0, left)
        return ()

    def _task(self, cell: int, keys: tuple[str, ...]) -> Task:
        self._given += 1
        return Task(self._given, cell, keys)
