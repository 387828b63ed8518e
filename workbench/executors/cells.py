"""What a task of a job array does: all runs of one dataset and one model, from where an earlier attempt left off."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from workbench.executors.events import Event, EventLog, Tail
from workbench.executors.jobs import Job
from workbench.executors.schedule import ATTEMPTS, Task
from workbench.executors.worker import Worker
from workbench.locks import go_without_locks
from workbench.tracking import Store, schema

if TYPE_CHECKING:
    from submitit.core.utils import DelayedSubmission


_MOST = 0.8
"""A task that has run for so much of its time was told to leave because the time is up."""


class Leaving(KeyboardInterrupt):
    """The queue takes the machine back: the run in hand is dropped, and made when the task is started again."""


class CellTask:
    """The function that submitit calls; `checkpoint` has it queued again when its time is up, or it has to make room.

    Args:
        folder: The job's folder.
        cell: Index of the dataset and model.
        seconds: How long a task may run before it is told to leave.
    """

    def __init__(self, folder: Path, cell: int, seconds: float) -> None:
        self.folder = folder
        self.cell = cell
        self.seconds = seconds

    def __call__(self) -> None:
        """Make the runs."""
        began, log = time.monotonic(), EventLog(self.folder / f"{self.cell}.events")
        usr = getattr(signal, f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}")
        queue_again = signal.getsignal(usr)
        code: list[int] = []

        def leave(number: int, frame: FrameType | None) -> NoReturn:
            # What submitit raises here is an exit, or an error like a recipe's own: a run would be called failed.
            try:
                if callable(queue_again):
                    queue_again(number, frame)
            except SystemExit as error:
                code.append(error.code if isinstance(error.code, int) else 1)
            except Exception as error:  # It has reached its limit too often.
                print(f"not queued again: {error}", file=sys.stderr)  # noqa: T201
                code.append(1)
            if time.monotonic() - began < _MOST * self.seconds:
                log.append({"left": self.cell})  # To make room, which is no fault of the run in hand.
            raise Leaving

        # A queue that cancels a task, or takes its machine, says so by SIGTERM and kills it some time later.
        signal.signal(signal.SIGTERM, lambda *_: log.append({"left": self.cell}))
        signal.signal(usr, leave)
        try:
            make_cell(self.folder, self.cell)
        except Leaving:
            sys.exit(code[0] if code else 1)
        finally:
            signal.signal(usr, queue_again)

    def checkpoint(self) -> "DelayedSubmission":
        """What is to be queued: the same."""
        from submitit.core.utils import DelayedSubmission

        return DelayedSubmission(self)


def make_cell(folder: Path, index: int) -> None:
    """Make the runs of a cell that no earlier attempt has made.

    The file of events tells what was made, and what was in hand when an attempt died or ran out of time; a batch that
    was in hand `ATTEMPTS` times is recorded as failed.

    Args:
        folder: The job's folder.
        index: Index of the cell.
    """
    go_without_locks()
    job = Job.open(folder)
    cell, store = job.about.cells[index], job.spooling_store()
    history = Tail(job.events(str(index))).read()
    made = {key for event in history for key in event.get("made", ())} | _spooled(store)
    in_hand = _deaths(history)
    worker = Worker(job, str(index), store, alone=True)
    for number, batch in enumerate(cell.batches):
        if job.is_stopping:
            worker.log.append({"stopped": index})
            return
        left = tuple(key for key in batch if key not in made)
        if not left:
            continue
        if in_hand[number] >= ATTEMPTS:
            worker.give_up(cell, left, f"its worker was lost, or its time was up, {in_hand[number]} times")
        elif not worker.do(Task(number, index, left)):
            return
    worker.log.append({"ended": index})


def _spooled(store: Store) -> set[str]:
    entries = store.spool.entries(store.server)
    return {entry.record.key for entry in entries if entry.record.tags.get(schema.JOB) == store.job}


def _deaths(history: Sequence[Event]) -> Counter[int]:
    """How often an attempt died, or ran out of time, with each batch in hand; one that made room did not."""
    deaths: Counter[int] = Counter()
    in_hand: int | None = None
    for event in [*history, {"began": None}]:
        if "began" in event:
            if in_hand is not None:
                deaths[in_hand] += 1
            in_hand = event["began"]
        elif not {"done", "failed", "fatal", "left"}.isdisjoint(event):
            in_hand = None
    return deaths
