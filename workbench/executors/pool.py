"""Hand the batches of a plan out to workers, and record what they make: one process alone writes to MLflow."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from workbench.errors import WorkbenchError
from workbench.executors.collecting import Collector
from workbench.executors.events import Event, Tail
from workbench.executors.jobs import Job
from workbench.executors.schedule import ATTEMPTS, Schedule, Task
from workbench.runs.execution import Batch, Execution
from workbench.runs.interrupts import Interrupts
from workbench.tracking import RunResult

_POLL_SECONDS = 0.05
_STARTS = 3
"""So many workers in a row may end before they have begun anything."""


class Workers(Protocol):
    """Processes that work on a job, wherever they run."""

    def start(self, name: str) -> None:
        """Start one."""
        ...

    def give(self, name: str, task: Task) -> None:
        """Tell one what to do next."""
        ...

    def ended(self) -> Mapping[str, str]:
        """Name and last words of each that has ended since the last call."""
        ...

    def stop(self) -> None:
        """End all of them at once."""
        ...


@dataclass
class _Hand:
    """A worker as its pool sees it."""

    name: str
    events: Tail
    task: Task | None = None
    cell: int | None = None
    is_ready: bool = False
    bars: dict[str, int] = field(default_factory=dict)


class Pool:
    """Makes a job's runs with workers.

    Args:
        job: The job.
        workers: Starts and ends them.
        size: How many there are at most.
        batches: What is to be made.
        execution: What all runs share.
        total: Number of runs of the plan.
    """

    def __init__(
        self, job: Job, workers: Workers, size: int, batches: Sequence[Batch], execution: Execution, total: int
    ) -> None:
        self._job, self._workers, self._size = job, workers, size
        self._execution, self._total = execution, total
        self._collector = Collector({job.id}, batches, execution)
        self._schedule = Schedule(job.about.cells)
        self._hands: dict[str, _Hand] = {}
        self._started = self._lost_at_start = 0
        self._error: WorkbenchError | None = None
        self._before = total - sum(map(len, batches))

    def run(self) -> list[RunResult]:
        """Make the runs; see `Executor.make`."""
        with Interrupts(self._execution.reporter) as interrupts:
            try:
                while True:
                    self._listen()
                    self._bury()
                    self._collect()
                    stopping = interrupts.requested or self._error is not None
                    if not stopping:
                        self._hand_out()
                    busy = any(hand.task for hand in self._hands.values()) or self._collector.waits
                    if not busy and (stopping or self._schedule.is_empty):
                        break
                    time.sleep(_POLL_SECONDS)
            finally:
                self._workers.stop()
            if self._error is not None:
                raise self._error
            done = self._before + len(self._collector.settled)
            if interrupts.requested and done < self._total:
                interrupts.stop(done, self._total)
        return self._collector.made

    def _hand_out(self) -> None:
        idle = [hand for hand in self._hands.values() if hand.is_ready and hand.task is None]
        for hand in idle:
            task = self._schedule.next(hand.cell)
            if task is None:
                break
            try:
                self._execution.store.check_writable()
            except WorkbenchError as error:
                self._error = error
                return
            hand.task, hand.cell = task, task.cell
            self._workers.give(hand.name, task)
        # No more than there is work for: on a cluster, one that waits for room must not keep work to itself.
        starting = sum(not hand.is_ready for hand in self._hands.values())
        for _ in range(min(self._size - len(self._hands), self._schedule.at_hand - starting)):
            self._start()

    def _start(self) -> None:
        self._started += 1
        name = str(self._started)
        self._workers.start(name)
        self._hands[name] = _Hand(name, Tail(self._job.events(name)))

    def _listen(self) -> None:
        for hand in self._hands.values():
            for event in hand.events.read():
                self._hear(hand, event)

    def _hear(self, hand: _Hand, event: Event) -> None:
        reporter = self._execution.reporter
        if "say" in event:
            reporter.say(event["say"])
        elif "progress" in event:
            what, done, total = event["progress"]
            hand.bars[what] = total
            if done >= total:
                del hand.bars[what]
            reporter.progress(f"{what} ({hand.name})" if self._size > 1 else what, done, total)
        elif "ready" in event:
            hand.is_ready, self._lost_at_start = True, 0
        elif hand.task is not None and hand.task.number in (event.get("done"), event.get("failed"), event.get("fatal")):
            task, hand.task = hand.task, None
            if "done" in event:
                self._schedule.done(task)
                self._collector.expect(task.keys, event["made"])
            elif "fatal" in event:
                self._error = WorkbenchError(event["reason"])
            else:
                self._take_back(task, event["reason"])

    def _bury(self) -> None:
        for name, words in self._workers.ended().items():
            hand = self._hands.pop(name)
            for event in hand.events.read():  # What it said last.
                self._hear(hand, event)
            for what, total in hand.bars.items():
                self._execution.reporter.progress(f"{what} ({name})" if self._size > 1 else what, total, total)
            if not hand.is_ready:
                self._lost_at_start += 1
                if self._lost_at_start >= _STARTS:
                    self._error = WorkbenchError(
                        f"{_STARTS} workers ended before they began ({words}). Their output is in {self._job.folder}."
                    )
            if hand.task is not None:
                self._execution.reporter.say(f"worker {name} was lost ({words}); what it had in hand is made anew.")
                self._take_back(hand.task, f"its worker was lost: {words}")

    def _take_back(self, task: Task, reason: str) -> None:
        made = self._collector.look(task.keys)
        given_up = self._schedule.lost(task, made)
        if given_up:
            self._collector.give_up(given_up, f"{reason} (the last of {ATTEMPTS} attempts)")

    def _collect(self) -> None:
        if self._collector.collect():
            self._execution.reporter.progress("runs", self._before + len(self._collector.settled), self._total)
