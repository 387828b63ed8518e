"""Make the runs of a plan in this process, one batch after the other."""

from collections.abc import Sequence

from workbench.runs.batches import make_batch
from workbench.runs.execution import Batch, Execution
from workbench.runs.interrupts import Interrupts
from workbench.settings import Settings
from workbench.tracking import RunResult


class InProcess:
    """The `Executor` that starts nothing."""

    def adapt(self, settings: Settings) -> Settings:
        """See `Executor.adapt`."""
        return settings

    def make(self, batches: Sequence[Batch], execution: Execution, total: int) -> list[RunResult]:
        """See `Executor.make`."""
        made: list[RunResult] = []
        done = total - sum(map(len, batches))
        with Interrupts(execution.reporter) as interrupts:
            for batch in batches:
                made += make_batch(batch, execution)
                done += len(batch)
                execution.reporter.progress("runs", done, total)
                if interrupts.requested and done < total:
                    interrupts.stop(done, total)
                if done < total:
                    execution.store.check_writable()
        return made
