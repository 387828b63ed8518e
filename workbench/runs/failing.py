"""The record of a failed run: its reason in one sentence, and its traceback."""

import traceback
from pathlib import Path

from workbench.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.masking import masked
from workbench.runs.limits import TimeLimitError
from workbench.runs.planned import PlannedRun
from workbench.runs.recording import remove_superseded
from workbench.runs.reporter import Reporter
from workbench.runs.suite import Suite
from workbench.runs.workspace import WorkspaceError, run_folder
from workbench.texts import shown
from workbench.tracking import RunRecorder, RunResult, Store, schema
from workbench.tracking.checksums import write_checksums

_TRACEBACK = "traceback.txt"
_LONGEST = 2000
"""Characters of a reason that is recorded."""


class RunFailedError(Exception):
    """A run has failed and is recorded, and `raise_error` stops the suite.

    Attributes:
        error: The error raised by the recipe or the engine.
        run: The failed run, as read from the store.
        reason: Its recorded reason, one sentence.
    """

    def __init__(self, error: BaseException, run: RunResult) -> None:
        self.error, self.run = error, run
        self.reason = run.tags.get(schema.ERROR, "")
        super().__init__(self.reason)


def record_failure(
    planned: PlannedRun, recorder: RunRecorder, error: BaseException, suite: Suite, store: Store, reporter: Reporter
) -> RunResult:
    """Record a run as failed, with its reason as a tag and its traceback as an artifact, and report it.

    Args:
        planned: The failed run.
        recorder: The run's recorder, which has begun.
        error: The error raised.
        suite: The run's.
        store: Earlier failed runs of the same key are removed from it.
        reporter: Gets the reason.

    Returns:
        The run as it would be read.

    Raises:
        SpoolError: Neither the store nor the spool took it.
    """
    reason, where = _without_names(planned.data.dataset, masked(_in_words(error)), traceback_text(error))
    reason = shown(reason, _LONGEST)

    def write(folder: Path) -> None:
        (folder / _TRACEBACK).write_text(where, encoding="utf-8", errors="backslashreplace")
        write_checksums(folder)

    try:
        with run_folder(write, store.spool.folder) as folder:
            failed = recorder.fail(reason, {schema.TRACEBACK: _TRACEBACK}, folder)
    except WorkspaceError:  # No place for the traceback: the reason is worth keeping without it.
        failed = recorder.fail(reason)
    remove_superseded(planned, recorder, suite, store, finished=False)
    reporter.say(f"failed: {planned.spec}: {reason}")
    return failed.result


def _without_names(dataset: Dataset, *texts: str) -> tuple[str, ...]:
    """What is recorded of texts that may name images, files and the home folder: nothing of these, under pseudonyms."""
    if dataset.pseudonyms is None:
        return texts
    return tuple(text.replace(str(Path.home()), "~") for text in dataset.shown_texts(texts))


def reason_of(error: BaseException, dataset: Dataset) -> str:
    """An error on a dataset in one sentence, without secrets and without names that are not to be shown."""
    return shown(_without_names(dataset, masked(_in_words(error)))[0], _LONGEST)


def traceback_text(error: BaseException) -> str:
    """The traceback as Python prints it, with secrets masked."""
    return masked("".join(traceback.format_exception(error)))


def _in_words(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # A plug-in's exceptions are code of its own, too.
        text = "an exception that cannot be printed"
    return text if isinstance(error, WorkbenchError | TimeLimitError) else f"{type(error).__name__}: {text}"
