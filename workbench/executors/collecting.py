"""Send what workers put into the spool to the store, and know which runs of a job are settled."""

import contextlib
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from workbench.executors.worker import WorkerLostError
from workbench.runs.execution import Batch, Execution
from workbench.runs.failing import record_failure
from workbench.runs.recording import begin
from workbench.tracking import RunResult, StoreError, read_runs, schema, sync

_EVERY_SECONDS = 0.5
_LATE_SECONDS = 90.0
"""A shared disk may show a folder of another machine so late."""


class Collector:
    """Sends the runs of jobs to the store as they come.

    Args:
        jobs: The names of the jobs.
        batches: What its workers make.
        execution: Gives the store and the reporter.

    Attributes:
        made: The runs that came, as they would be read.
        settled: Keys of runs for which nothing is left to do.
    """

    def __init__(self, jobs: Collection[str], batches: Sequence[Batch], execution: Execution) -> None:
        self._jobs, self._execution = jobs, execution
        self._planned = {run.key: run for batch in batches for run in batch}
        self.made: list[RunResult] = []
        self.settled: set[str] = set()
        self._expected: dict[str, float] = {}
        self._seen = 0
        self._last = 0.0
        self._said: set[str] = set()

    def expect(self, keys: Iterable[str], made: Iterable[str]) -> None:
        """A worker has done with runs: those that it made come, the others had been finished by another process."""
        self._expected |= dict.fromkeys(made, time.monotonic())
        self.settled |= set(keys) - set(made)
        self._last = 0.0

    @property
    def waits(self) -> bool:
        """Whether runs that a worker made are not there yet, and still may come."""
        late = time.monotonic() - _LATE_SECONDS
        return any(key not in self.settled and since > late for key, since in self._expected.items())

    def collect(self) -> bool:
        """Take what has come, and send it, now and then; whether runs were settled since the last call."""
        if time.monotonic() - self._last >= _EVERY_SECONDS:
            self._last = time.monotonic()
            self._take()
            if any(key not in self.settled for key in self._expected):
                self._take_from_store()
        news, self._seen = len(self.settled) > self._seen, len(self.settled)
        return news

    def look(self, keys: Iterable[str]) -> set[str]:
        """Those of some runs that are settled, as the spool and the store say now."""
        self._take()
        self._take_from_store()
        return set(keys) & self.settled

    def give_up(self, keys: Iterable[str], reason: str) -> None:
        """Record runs as failed."""
        suite, store, reporter = self._execution.suite, self._execution.store, self._execution.reporter
        for key in keys:
            recorder = begin(self._planned[key], suite, store)
            failed = record_failure(self._planned[key], recorder, WorkerLostError(reason), suite, store, reporter)
            self.made.append(failed)
            self.settled.add(key)

    def _take(self) -> None:
        store = self._execution.store
        spool = store.spool
        if not spool.folder.is_dir():
            return
        entries = spool.entries(store.server)
        self._settle(entry.as_result() for entry in entries)
        if not any(not entry.problem for entry in entries) or not store.link.is_usable():
            return
        try:
            outcome = replace(sync(store, everything=False), sent=[], superseded=[])
        except StoreError as error:
            store.link.note(error)
            return
        for sentence in [] if outcome.busy else outcome.sentences(spool.folder, store.name):
            if sentence not in self._said:
                self._said.add(sentence)
                self._execution.reporter.say(sentence)

    def _take_from_store(self) -> None:
        """Another command may have sent runs before they were seen in the spool."""
        store = self._execution.store
        if store.link.is_usable():
            with contextlib.suppress(StoreError):
                self._settle(read_runs(store, self._execution.suite.name))

    def _settle(self, runs: Iterable[RunResult]) -> None:
        for run in runs:
            if run.tags.get(schema.JOB) in self._jobs and run.key in self._planned and run.key not in self.settled:
                self.settled.add(run.key)
                self.made.append(run)
