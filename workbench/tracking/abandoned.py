"""Runs that nobody works on any more: a process that is killed cannot say so, the next one does."""

import contextlib
from collections.abc import Sequence

from workbench.errors import WorkbenchError
from workbench.tracking import schema
from workbench.tracking._sqlite import any_running
from workbench.tracking.faults import answering
from workbench.tracking.processes import is_gone, this_machine
from workbench.tracking.reading import read_runs
from workbench.tracking.results import RunResult
from workbench.tracking.store import Store

REASON = "Its process ended before the run was finished."


def close_abandoned(store: Store, runs: Sequence[RunResult] | None = None) -> int:
    """Mark runs as killed whose process is gone; those of other machines and containers are left alone.

    Args:
        store: The store.
        runs: Runs of it that were read already; all if None.

    Returns:
        How many were closed.
    """
    abandoned = [run for run in (read_runs(store) if runs is None else runs) if is_abandoned(run)]
    with answering(store.name):
        # Asked once more, now that the process is gone: it may have finished the run since the runs were read.
        left = [run for run in abandoned if store.client.get_run(run.run_id).info.status == "RUNNING"]
        for run in left:
            store.client.set_tag(run.run_id, schema.ERROR, REASON)
            store.client.set_terminated(run.run_id, "KILLED")
    return len(left)


def close_abandoned_before(store: Store) -> None:
    """The same before a command that only reads; a store that cannot be read or written is left to that command.

    A server is left alone: it would be asked for all runs. The next `run` on it closes them.
    """
    if store.sqlite_file is None or not store.exists:
        return
    with contextlib.suppress(WorkbenchError):
        if any_running(store.sqlite_file):
            close_abandoned(store)


def is_abandoned(run: RunResult) -> bool:
    """Whether a run is still called running although its process, on this machine, is gone."""
    if run.status != "running" or run.tags.get(schema.HOST) != this_machine():
        return False
    return is_gone(run.tags.get(schema.PROCESS, ""))
