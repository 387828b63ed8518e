"""A worker: makes the batches of a job that it is told to, puts the runs into the spool, and tells how far it is."""

import contextlib
import logging
import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial

from workbench.errors import WorkbenchError
from workbench.executors.events import EventLog
from workbench.executors.jobs import Cell, Job
from workbench.executors.schedule import Task
from workbench.masking import masked
from workbench.runs.batches import fit_along, make_batch, prepare_batch
from workbench.runs.execution import Batch, Execution, by_itself
from workbench.runs.failing import record_failure
from workbench.runs.pieces import rows_of_piece
from workbench.runs.planned import PlannedRun, prepare_runs
from workbench.runs.recording import begin
from workbench.runs.reporter import Silent
from workbench.runs.workspace import WorkspaceError
from workbench.tracking import SpoolError, Store

_QUIET_SECONDS = 0.3
"""Progress is told at most so often: the file of events lies on a disk that many use."""


class WorkerLostError(WorkbenchError):
    """A run that lost its worker again and again."""


class Worker:
    """Works on a job in this process.

    Args:
        job: The job.
        name: The worker's, unique within the job.
        store: Where other processes' runs are looked up, and whose spool takes this one's.
        alone: No other process may be at the same runs, see `Execution`.
        fitting: See `Execution`.
    """

    def __init__(
        self,
        job: Job,
        name: str,
        store: Store,
        *,
        alone: bool,
        fitting: Callable[[Batch], AbstractContextManager[None]] = by_itself,
    ) -> None:
        self.job = job
        self.log = EventLog(job.events(name))
        reporter = _Telling(self.log)
        about = job.about
        self._execution = Execution(
            about.suite, about.settings, store, reporter, fresh=about.fresh, alone=alone, fitting=fitting
        )
        self._open: tuple[Cell, dict[str, PlannedRun]] | None = None
        os.chdir(job.about.directory)
        logger = logging.getLogger("workbench")
        logger.addHandler(_SayHandler(reporter))
        logger.setLevel(logging.INFO)

    def do(self, task: Task) -> bool:
        """Do a task, and tell how it ended: `done`, `failed` (another worker may fare better) or `fatal`.

        Returns:
            Whether it is done.
        """
        self.log.append({"began": task.number, "pid": os.getpid()})
        try:
            made = self.work(self.job.about.cells[task.cell], task.keys, task.piece)
        except (SpoolError, WorkspaceError) as error:
            self.log.append({"fatal": task.number, "reason": masked(str(error))})
        except Exception as error:  # Of reading the data again, of a plug-in; a batch's own errors are its runs'.
            traceback.print_exc()
            words = str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
            self.log.append({"failed": task.number, "reason": masked(words)})
        else:
            self.log.append({"done": task.number, "made": made})
            return True
        return False

    def give_up(self, cell: Cell, keys: tuple[str, ...], reason: str) -> None:
        """Record runs of a cell as failed."""
        runs, about = self._runs(cell), self._execution
        for key in keys:
            recorder = begin(runs[key], about.suite, about.store)
            record_failure(runs[key], recorder, WorkerLostError(reason), about.suite, about.store, about.reporter)
        self.log.append({"gave_up": reason, "made": keys})

    def work(self, cell: Cell, keys: tuple[str, ...], piece: tuple[int, int] | None = None) -> list[str]:
        """Make a batch, or compute the features of all batches of a cell, or a piece of them, where no keys are given.

        Returns:
            Keys of the runs that were recorded; others were finished by another process meanwhile.
        """
        runs = self._runs(cell)
        if keys:
            return [run.key for run in make_batch([runs[key] for key in keys], self._execution)]
        if piece is not None:
            self._compute_piece([[runs[key] for key in batch] for batch in cell.batches], *piece)
            return []
        for batch in cell.batches:
            # In the order of the plan, so that images share their batches with those of an undisturbed run. What goes
            # wrong goes wrong for each of the runs again, and is recorded there.
            try:
                prepare_batch([runs[key] for key in batch], self._execution.reporter)
            except Exception:  # noqa: S112
                continue
        return []

    def fit_along(self, keys: Sequence[str]) -> None:
        """Fit runs that another process makes."""
        cell = next(cell for cell in self.job.about.cells if any(keys[0] in batch for batch in cell.batches))
        runs = self._runs(cell)
        fit_along([runs[key] for key in keys], self._execution)

    def _compute_piece(self, batches: Sequence[Batch], piece: int, pieces: int) -> None:
        reporter = self._execution.reporter
        for task, rows in rows_of_piece(batches, piece, pieces):
            progress = partial(reporter.progress, f"features of {task.data.dataset.name}")
            with contextlib.suppress(WorkbenchError):  # The runs that need them will meet it.
                task.prepare(rows, progress)

    def _runs(self, cell: Cell) -> Mapping[str, PlannedRun]:
        """The cell's planned runs by key; one cell at a time is kept open."""
        if self._open is None or self._open[0] != cell:
            self._open = None
            about = self.job.about
            planned = prepare_runs(about.suite, about.settings, Silent(), {(cell.dataset, cell.model)})
            self._open = cell, {run.key: run for run in planned}
        runs = self._open[1]
        if not {key for batch in cell.batches for key in batch} <= runs.keys():
            self._open = None
            raise WorkbenchError(
                f"{cell.dataset} or {cell.model} is not here what it was where the suite was planned: its run keys "
                "differ. Data, model files and installed packages must be the same for all workers."
            )
        return runs


class _Telling:
    """A `Reporter` that writes events."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._last: dict[str, float] = {}

    def say(self, sentence: str) -> None:
        """See `Reporter.say`."""
        self._log.append({"say": masked(sentence)})

    def progress(self, what: str, done: int, total: int) -> None:
        """See `Reporter.progress`."""
        now = time.monotonic()
        if done >= total or now - self._last.get(what, -_QUIET_SECONDS) >= _QUIET_SECONDS:
            self._last[what] = now
            self._log.append({"progress": [what, done, total]})


class _SayHandler(logging.Handler):
    """Tells the recipes' log."""

    def __init__(self, reporter: _Telling) -> None:
        super().__init__(logging.INFO)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        self._reporter.say(record.getMessage())
