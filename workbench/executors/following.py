"""Wait for jobs of a queue: tell how far they are, take what comes, and submit again what was lost."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.errors import WorkbenchError
from workbench.executors.collecting import Collector
from workbench.executors.events import Event, Tail
from workbench.executors.jobs import Job
from workbench.executors.profile import SlurmProfile
from workbench.executors.queue import QueueError
from workbench.executors.schedule import ATTEMPTS
from workbench.executors.submission import cancel, log_of, states_of, submit
from workbench.runs.execution import Batch, Execution
from workbench.runs.interrupts import Interrupts
from workbench.tracking import RunResult

_POLL_SECONDS = 0.2
_ASK_SECONDS = 5.0
"""The queue is asked at most so often."""


@dataclass
class _Followed:
    """One cell of a job."""

    job: Job
    cell: int
    events: Tail
    problem: str = ""
    left: int = 0
    attempts: int = 0


class Follower:
    """Waits for jobs.

    Args:
        jobs: The jobs.
        profile: With which what was lost is submitted again.
        batches: What is wanted of them.
        execution: What all runs share.
        total: Number of runs of the plan.
    """

    def __init__(
        self, jobs: Sequence[Job], profile: SlurmProfile, batches: Sequence[Batch], execution: Execution, total: int
    ) -> None:
        self._jobs, self._profile, self._execution, self._total = jobs, profile, execution, total
        self._collector = Collector({job.id for job in jobs}, batches, execution)
        wanted = {run.key for batch in batches for run in batch}
        self._before = total - len(wanted)
        self._wanted = wanted
        self._cells = [
            _Followed(job, i, Tail(job.events(str(i))))
            for job in jobs
            for i, cell in enumerate(job.about.cells)
            if wanted & {key for batch in cell.batches for key in batch}
        ]
        self._asked = 0.0
        self._alive: set[tuple[str, int]] = {(each.job.id, each.cell) for each in self._cells}
        self._is_stopping = False

    def follow(self) -> list[RunResult]:
        """Wait until all runs are settled; see `Executor.make`."""
        with Interrupts(self._execution.reporter) as interrupts:
            try:
                while True:
                    self._listen()
                    if self._collector.collect():
                        self._execution.reporter.progress("runs", self._done, self._total)
                    if interrupts.requested and not self._is_stopping:
                        self._stop()
                    if self._is_over():
                        break
                    time.sleep(_POLL_SECONDS)
            except KeyboardInterrupt:
                for job in self._jobs:
                    job.stop()
                    cancel(job, pending_only=False)
                raise
            if interrupts.requested and self._done < self._total:
                interrupts.stop(self._done, self._total)
        return self._collector.made

    @property
    def _done(self) -> int:
        return self._before + len(self._collector.settled)

    def _stop(self) -> None:
        self._is_stopping = True
        for job in self._jobs:
            job.stop()
            cancel(job, pending_only=True)

    def _is_over(self) -> bool:
        if self._wanted <= self._collector.settled:
            return True
        if time.monotonic() - self._asked < _ASK_SECONDS:
            return False
        self._asked = time.monotonic()
        try:
            self._alive = {(job.id, cell) for job in self._jobs for cell in states_of(job)}
        except QueueError:
            return False  # Until it answers again, all tasks count as alive.
        self._listen()  # What ended since was told before it ended.
        gone = [each for each in self._cells if (each.job.id, each.cell) not in self._alive]
        if not self._is_stopping:
            for each in gone:
                self._take_up(each)
            return False
        return len(gone) == len(self._cells) and not self._collector.waits

    def _take_up(self, each: _Followed) -> None:
        """A task is gone: submit it again if it has left runs undone, unless that happened too often."""
        keys = [key for batch in each.job.about.cells[each.cell].batches for key in batch if key in self._wanted]
        if self._collector.waits or not (left := set(keys) - self._collector.look(keys)):
            return
        words = each.problem or f"its task ended without a word; see {log_of(each.job, each.cell)}"
        # A task that goes on with other runs gives those up itself that cost it too often.
        each.attempts = each.attempts + 1 if len(left) == each.left else 1
        each.left = len(left)
        if each.attempts > ATTEMPTS:
            self._collector.give_up([key for key in keys if key in left], f"{words} ({each.attempts} attempts)")
            return
        cell = each.job.about.cells[each.cell]
        self._execution.reporter.say(f"{cell.dataset} / {cell.model}: {words}; it is submitted again.")
        submit(each.job, [each.cell], self._profile)

    def _listen(self) -> None:
        for each in self._cells:
            for event in each.events.read():
                self._hear(each, event)

    def _hear(self, each: _Followed, event: Event) -> None:
        reporter = self._execution.reporter
        if "say" in event:
            reporter.say(event["say"])
        elif "progress" in event:
            what, done, total = event["progress"]
            several = len(self._cells) > 1
            reporter.progress(f"{what} ({each.cell + 1})" if several else what, done, total)
        elif "made" in event:
            self._collector.expect(event["made"], event["made"])
        elif "reason" in event:
            each.problem = event["reason"]
            if "fatal" in event:
                raise WorkbenchError(event["reason"])
