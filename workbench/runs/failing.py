"""What a run that fails leaves behind: its reason in one sentence, and its traceback."""

import traceback
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.masking import masked
from workbench.runs.jobs import Job
from workbench.runs.limits import TimeLimitError
from workbench.runs.recording import remove_superseded
from workbench.runs.reporter import Reporter
from workbench.runs.suite import Suite
from workbench.runs.workspace import WorkspaceError, written
from workbench.texts import shown
from workbench.tracking import RunRecorder, RunResult, Store, schema
from workbench.tracking.checksums import write_checksums

_TRACEBACK = "traceback.txt"
_LONGEST = 2000
"""Characters of a reason that is recorded."""


class RunFailedError(Exception):
    """A run has failed and is recorded, and the suite was to stop with that (`raise_error`).

    Attributes:
        error: What the recipe or the engine raised.
        run: The failed run as it is read.
        reason: Its recorded reason, one sentence.
    """

    def __init__(self, error: BaseException, run: RunResult) -> None:
        self.error, self.run = error, run
        self.reason = run.tags.get(schema.ERROR, "")
        super().__init__(self.reason)


def record_failure(
    job: Job, recorder: RunRecorder, error: BaseException, suite: Suite, store: Store, tell: Reporter
) -> RunResult:
    """Record a run as failed, with its reason as a tag and its traceback as an artifact; tell of it.

    Args:
        job: What failed.
        recorder: Of the run, which has begun.
        error: What was raised.
        suite: The run's.
        store: Where earlier failed runs of the same key are removed.
        tell: Told the reason.

    Returns:
        The run as it would be read.

    Raises:
        SpoolError: Neither the store nor the spool took it.
    """
    reason = shown(masked(_in_words(error)), _LONGEST)

    def write(folder: Path) -> None:
        (folder / _TRACEBACK).write_text(traceback_text(error), encoding="utf-8", errors="backslashreplace")
        write_checksums(folder)

    try:
        with written(write, store.spool.folder) as folder:
            failed = recorder.fail(reason, {schema.TRACEBACK: _TRACEBACK}, folder)
    except WorkspaceError:  # No place for the traceback: the reason is worth keeping without it.
        failed = recorder.fail(reason)
    remove_superseded(job, recorder, suite, store, finished=False)
    tell.say(f"failed: {job.cell}: {reason}")
    return failed.result


def traceback_text(error: BaseException) -> str:
    """The traceback as Python prints it, with secrets masked."""
    return masked("".join(traceback.format_exception(error)))


def _in_words(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # A plug-in's exceptions are code of its own, too.
        text = "an exception that cannot be printed"
    return text if isinstance(error, WorkbenchError | TimeLimitError) else f"{type(error).__name__}: {text}"
