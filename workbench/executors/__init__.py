"""Where runs are made: this process, or several processes of this machine."""

import sys

from workbench.errors import WorkbenchError
from workbench.runs.execution import Executor

__all__ = ["open_executor"]


def open_executor(*, jobs: int = 1, raise_error: bool = False) -> Executor | None:
    """The executor that is asked for; None for this process.

    Args:
        jobs: Processes of this machine.
        raise_error: Whether the first run that fails is to stop the suite, with its traceback.

    Raises:
        WorkbenchError: The options contradict one another.
    """
    if jobs == 1:
        return None
    if raise_error:
        raise WorkbenchError("--raise-error: stops this process at the first run that fails; it goes with --jobs 1.")
    if sys.platform != "linux":
        raise WorkbenchError("--jobs: several processes are tried on Linux alone; elsewhere leave it out.")
    from workbench.executors.local import LocalExecutor

    return LocalExecutor(jobs)
