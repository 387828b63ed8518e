"""What all runs of one call share, and who makes them: this process, or others."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from workbench.runs.planned import PlannedRun
from workbench.runs.reporter import Reporter
from workbench.runs.suite import Suite
from workbench.settings import Settings
from workbench.tracking import RunResult, Store, StoreError, read_runs

Batch = Sequence[PlannedRun]
"""Runs that are fitted together, see `fitted_together`."""


@contextmanager
def by_itself(batch: Batch) -> Iterator[None]:  # noqa: ARG001
    """A batch is fitted by this process alone."""
    yield


@dataclass(frozen=True)
class Execution:
    """One call of `run_suite`, or the part of it that a worker does.

    Attributes:
        suite: The suite.
        settings: Cache, device, precision.
        store: Takes the runs, or the spool of a worker's store.
        reporter: Gets messages and progress.
        fresh: Run finished runs again, too.
        raise_error: Stop at the first run that fails.
        alone: No other process of any machine is given the same runs, so that none has to be locked out.
        fitting: Entered with a batch while it is fitted: other processes may fit the same, see `ranks`.
    """

    suite: Suite
    settings: Settings
    store: Store
    reporter: Reporter
    fresh: bool = False
    raise_error: bool = False
    alone: bool = False
    fitting: Callable[[Batch], AbstractContextManager[None]] = by_itself

    def known_runs(self) -> list[RunResult]:
        """The suite's runs in the store and in the spool; of a store that is gone, those in the spool."""
        spooled = self.spooled_runs()
        if self.store.link.is_usable():
            try:
                return [*read_runs(self.store, self.suite.name), *spooled]
            except StoreError as error:
                self.store.link.note(error)
        return spooled

    def spooled_runs(self) -> list[RunResult]:
        """The suite's runs in the spool."""
        entries = self.store.spool.entries(self.store.server)
        return [entry.as_result() for entry in entries if entry.record.suite == self.suite.name]


class Executor(Protocol):
    """Makes the runs that a plan leaves to do."""

    def adapt(self, settings: Settings) -> Settings:
        """The settings that the plan is made with, so that run keys are those of the machines that make the runs."""
        ...

    def make(self, batches: Sequence[Batch], execution: Execution, total: int) -> list[RunResult]:
        """Make all batches, and record each run once.

        Args:
            batches: What is to be made, in the order of the plan.
            execution: What all of them share.
            total: Number of runs of the plan, those included that were finished before.

        Returns:
            The runs that were made, as they would be read, the earliest first.

        Raises:
            KeyboardInterrupt: Ctrl-C, once the runs in hand are finished.
            RunFailedError: A run failed, and `raise_error` asks to stop there.
            WorkbenchError: The runs cannot be made or kept at all.
        """
        ...
