"""Make a batch of runs: features, fitting, predictions, records."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from workbench.arrays import IntArray
from workbench.errors import RecipeError
from workbench.recipes import Fitted, Recipe
from workbench.runs.broken import BrokenRecipe
from workbench.runs.claims import claimed
from workbench.runs.execution import Batch, Execution
from workbench.runs.failing import RunFailedError, record_failure
from workbench.runs.interrupts import Terminated
from workbench.runs.limits import TimeLimitError, time_limit
from workbench.runs.recording import begin, record, remove_superseded
from workbench.runs.reporter import Reporter
from workbench.runs.suite import Suite
from workbench.runs.workspace import WorkspaceError
from workbench.tasks import DatasetTask, SplitRows
from workbench.tasks.data import Progress
from workbench.tracking import RunRecorder, RunResult, SpoolError


def make_batch(batch: Batch, execution: Execution) -> list[RunResult]:
    """Make those runs of a batch that no other process has finished meanwhile.

    Args:
        batch: Runs that are fitted together.
        execution: What all runs share.

    Returns:
        The runs as they would be read; those that failed have the status `failed`.

    Raises:
        RunFailedError: A run failed, and `raise_error` asks to stop there.
        SpoolError: Neither the store nor the spool took a run.
        WorkspaceError: There is no place for a run's files.
    """
    if execution.alone:
        return _make(batch, execution)
    with claimed(batch, execution.settings.cache, execution.reporter):
        answered: set[str] = set()
        if not execution.fresh:
            by_key = {run.key: run for run in batch}
            answered = {
                run.key for run in execution.known_runs() if run.key in by_key and by_key[run.key].is_answered_by(run)
            }
        return _make([run for run in batch if run.key not in answered], execution)


def prepare_batch(batch: Batch, reporter: Reporter) -> tuple[Recipe[Any], list[SplitRows]]:
    """The batch's recipe and the readable rows of each of its runs; computes features that the store lacks.

    Raises:
        RecipeError: The recipe is broken.
        DataError: Too many images cannot be read.
    """
    task, spec = batch[0].task, batch[0].spec
    recipe = spec.factory(spec.config)
    if isinstance(recipe, BrokenRecipe):
        raise RecipeError(recipe.reason) from recipe.cause
    name = task.data.dataset.name
    requested_rows = [task.rows(run.spec) for run in batch]
    rows = task.data.readable_rows(
        requested_rows, partial(_prepare, task, partial(reporter.progress, f"features of {name}"))
    )
    for note in task.data.look_for_duplicates(rows, partial(reporter.progress, f"thumbnails of {name}")):
        reporter.say(f"{name}: {note}")
    for run_rows in rows:
        task.prepare_more(recipe, run_rows, partial(reporter.progress, f"tiles of {name}"))
    return recipe, rows


def fit_along(batch: Batch, execution: Execution) -> None:
    """Fit a batch that another process makes, and drop what comes of it."""
    recipe, rows = prepare_batch(batch, execution.reporter)
    batch[0].task.fit(recipe, _given(batch, rows, execution.suite))


def _given(batch: Batch, rows: Sequence[SplitRows], suite: Suite) -> list[Any]:
    task = batch[0].task
    return [task.given(run.spec, run_rows, refit=suite.refit) for run, run_rows in zip(batch, rows, strict=True)]


def _make(batch: Batch, execution: Execution) -> list[RunResult]:
    recorders: list[RunRecorder] = []
    try:
        recorders += (begin(run, execution.suite, execution.store) for run in batch)
        return _work(batch, recorders, execution) if batch else []
    except RunFailedError as error:
        for recorder in recorders:  # Those that have ended stay as they are.
            recorder.abandon(f"stopped, since another run failed: {error.reason}")
        raise
    except KeyboardInterrupt as error:
        reason = "terminated (SIGTERM)" if isinstance(error, Terminated) else "interrupted"
        for recorder in recorders:
            recorder.abandon(reason)
        raise


def _work(batch: Batch, recorders: Sequence[RunRecorder], execution: Execution) -> list[RunResult]:
    """Fit all runs of a batch, then predict, evaluate and record each."""
    suite, store, reporter = execution.suite, execution.store, execution.reporter
    made: list[RunResult] = []
    task = batch[0].task
    started = time.perf_counter()
    try:
        recipe, rows = prepare_batch(batch, reporter)
        inputs = _given(batch, rows, suite)
        started = time.perf_counter()
        with execution.fitting(batch), time_limit(suite.limit_seconds and suite.limit_seconds * len(batch)):
            predictors: Sequence[Fitted] = task.fit(recipe, inputs)
        _check_predictors(predictors, batch)
        seconds = (time.perf_counter() - started) / len(batch)
    except (
        Exception,
        SystemExit,
        TimeLimitError,
    ) as error:
        # A plug-in may raise anything; the rest of the suite goes on.
        for run, recorder in zip(batch, recorders, strict=True):
            made.append(record_failure(run, recorder, error, suite, store, reporter))
        if execution.raise_error:
            raise RunFailedError(error, made[0]) from error
        return made
    for run, recorder, run_rows, predictor in zip(batch, recorders, rows, predictors, strict=True):
        try:
            written = record(run, recorder, run_rows, predictor, seconds, suite.figures, suite.limit_seconds)
        except (SpoolError, WorkspaceError):
            raise
        except (Exception, SystemExit, TimeLimitError) as error:
            made.append(record_failure(run, recorder, error, suite, store, reporter))
            if execution.raise_error:
                raise RunFailedError(error, made[-1]) from error
            continue
        remove_superseded(run, recorder, suite, store)
        reporter.say(f"finished: {run.spec}{f'; {written.kept}' if written.kept else ''}")
        made.append(written.result)
    return made


def _prepare(task: DatasetTask, progress: Progress, rows: IntArray) -> None:
    task.prepare(rows, progress)


def _check_predictors(predictors: object, batch: Batch) -> None:
    """Check that a recipe returned one predictor for each task."""
    if not isinstance(predictors, Sequence) or len(predictors) != len(batch):
        returned = len(predictors) if isinstance(predictors, Sequence) else type(predictors).__name__
        raise RecipeError(
            f"fit_many was given {len(batch)} tasks and returned {returned}, where a list of as many is due."
        )
