"""Execute a suite: features once, every recipe on them, each result into MLflow as soon as it is there."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from workbench.arrays import IntArray
from workbench.errors import RecipeError
from workbench.formatting import counted
from workbench.recipes import Fitted
from workbench.runs.broken import BrokenRecipe
from workbench.runs.claims import claimed
from workbench.runs.failing import RunFailedError, record_failure
from workbench.runs.interrupts import Interrupts, Terminated
from workbench.runs.limits import TimeLimitError, can_limit, time_limit
from workbench.runs.planned import PlannedRun, fitted_together, prepare_runs
from workbench.runs.recording import begin, follow_moved, rank_anew, record, remove_superseded
from workbench.runs.reporter import Reporter, Silent
from workbench.runs.suite import Suite
from workbench.runs.workspace import WorkspaceError
from workbench.settings import Settings
from workbench.tasks import DatasetTask
from workbench.tasks.data import Progress
from workbench.tracking import (
    RunRecorder,
    RunResult,
    SpoolError,
    Store,
    StoreError,
    close_abandoned,
    open_store,
    read_runs,
    sync_before,
)
from workbench.tracking.faults import answering


def run_suite(
    suite: Suite,
    settings: Settings,
    *,
    fresh: bool = False,
    raise_error: bool = False,
    reporter: Reporter | None = None,
) -> list[RunResult]:
    """Make those runs of a suite that the store does not have yet.

    A recipe that fails is recorded as failed with its reason and its traceback, and the rest goes on. After a kill at
    any instant the same call finishes the suite: finished runs stay, an unfinished one is done anew, and so is a run
    whose recipe was edited since (see `recipe_source`), which then replaces the old one.

    Args:
        suite: The suite.
        settings: Cache, device, precision, store.
        fresh: Run finished ones again, too; each replaces the old one.
        raise_error: Stop at the first run that fails, once it is recorded.
        reporter: Gets messages and progress.

    Returns:
        The suite's runs of this plan, one for each planned run, newest first.

    Raises:
        WorkbenchError: The plan itself is wrong (unknown names, wrong settings, data not there); nothing is run then.
        RunFailedError: A run failed, and `raise_error` asks to stop there.
        KeyboardInterrupt: Ctrl-C, once: after the run in hand; twice, or SIGTERM: at once. What is finished stays.
    """
    reporter = reporter or Silent()
    if suite.limit_seconds is not None and not can_limit():
        reporter.say(
            "limit_seconds has no effect here: time can be limited in the main thread of Linux and macOS only."
        )
    store = open_store(settings)
    store.link.check()
    planned = prepare_runs(suite, settings, reporter)
    _say_about_datasets(planned, reporter)
    sync_before(store, reporter.say)
    in_store = read_runs(store, suite.name)
    close_abandoned(store, in_store)
    known = [*in_store, *_spooled(store, suite)]
    before = [] if fresh else [run for run in known if run.status == "finished"]
    # The newest of a key comes last, and so is kept.
    finished = {
        planned_run.key: run
        for planned_run, run in reversed(_matching(planned, before))
        if not planned_run.is_edited_since(run)
    }
    stored_ids = {run.run_id for run in in_store}
    with answering(store.name):
        for planned_run in {planned_run.spec.dataset: planned_run for planned_run in planned}.values():
            follow_moved(planned_run, before, store)
        _remove_doubles(in_store, finished, store)
        for planned_run in planned:
            if planned_run.key in finished and finished[planned_run.key].run_id in stored_ids:
                rank_anew(planned_run, finished[planned_run.key], store)
    todo = [planned_run for planned_run in planned if planned_run.key not in finished]
    edited = {planned_run.key: planned_run.spec.recipe for planned_run, _ in _matching(todo, before)}
    for name, count in Counter(edited.values()).items():
        again = "1 run is" if count == 1 else f"{count} runs are"
        reporter.say(f"recipe {name!r} was edited since its last results: {again} made anew.")
    if len(todo) < len(planned):
        reporter.say(f"{len(planned) - len(todo)} of {len(planned)} runs are finished already.")
    done = len(planned) - len(todo)
    made: list[RunResult] = []
    if todo:
        store.check_writable()
    with Interrupts(reporter) as interrupts:
        for group in fitted_together(todo):
            made += _run_group(group, suite, settings, store, fresh, raise_error, reporter)
            done += len(group)
            reporter.progress("runs", done, len(planned))
            if interrupts.requested and done < len(planned):
                reporter.say(f"Stopped after {done} of {len(planned)} runs; the same command goes on from here.")
                _say_what_waits(store, reporter)
                raise KeyboardInterrupt
            if done < len(planned):
                store.check_writable()
    if store.link.is_usable():
        sync_before(store, reporter.say)
    _say_what_waits(store, reporter)
    # If the store is gone: its runs at the start, and those made since.
    alive = store.link.is_usable()
    runs = _matching(planned, _known(store, suite) if alive else [*reversed(made), *_spooled(store, suite), *in_store])
    # The newest, unless another process has just begun one.
    results = {planned_run.key: run for planned_run, run in reversed(runs)}
    if not fresh:
        results |= {planned_run.key: run for planned_run, run in reversed(runs) if planned_run.is_answered_by(run)}
    return [results[planned_run.key] for planned_run in planned if planned_run.key in results]


def _say_about_datasets(planned: Sequence[PlannedRun], reporter: Reporter) -> None:
    """Say what of each dataset is not read, which splits were made, and the like."""
    for name, notes in {each.data.dataset.name: each.data.dataset.notes for each in planned}.items():
        for note in notes:
            reporter.say(f"{name}: {note}")


def _say_what_waits(store: Store, reporter: Reporter) -> None:
    """Say how many runs are in the spool because the store is gone."""
    waiting = store.spool.entries(store.server)
    if waiting and not store.link.is_usable():
        # A quiet reporter shows sentences that begin with `failed`.
        reporter.say(
            f"failed to reach {store.name} ({store.link.reason}): "
            f"{counted(len(waiting), 'run is', 'runs are')} kept in {store.spool.folder}; `workbench sync`, or the "
            "next command on this store, sends them."
        )


def _known(store: Store, suite: Suite) -> list[RunResult]:
    """The suite's runs in the store and in the spool; of a store that is gone, those in the spool."""
    spooled = _spooled(store, suite)
    if store.link.is_usable():
        try:
            return [*read_runs(store, suite.name), *spooled]
        except StoreError as error:
            store.link.note(error)
    return spooled


def _spooled(store: Store, suite: Suite) -> list[RunResult]:
    return [entry.as_result() for entry in store.spool.entries(store.server) if entry.record.suite == suite.name]


def _remove_doubles(runs: Sequence[RunResult], newest_by_key: Mapping[str, RunResult], store: Store) -> None:
    """Delete runs that a newer one has replaced, where a process was killed before it did so."""
    for run in runs:
        newest = newest_by_key.get(run.key)
        if newest is not None and run.status == "finished" and run.recency < newest.recency:
            store.delete_run(run.run_id, run.artifact_uri)


def _matching(planned: Sequence[PlannedRun], runs: Sequence[RunResult]) -> list[tuple[PlannedRun, RunResult]]:
    """Each run with the planned one of its key, in the order of the runs."""
    by_key = {planned_run.key: planned_run for planned_run in planned}
    return [(by_key[run.key], run) for run in runs if run.key in by_key]


def _run_group(
    group: Sequence[PlannedRun],
    suite: Suite,
    settings: Settings,
    store: Store,
    fresh: bool,
    raise_error: bool,
    reporter: Reporter,
) -> list[RunResult]:
    with claimed(group, settings.cache, reporter):
        # Another process may have finished some of them meanwhile.
        matches = [] if fresh else _matching(group, _known(store, suite))
        answered = {planned_run.key for planned_run, run in matches if planned_run.is_answered_by(run)}
        planned = [planned_run for planned_run in group if planned_run.key not in answered]
        recorders: list[RunRecorder] = []
        try:
            recorders += (begin(planned_run, suite, store) for planned_run in planned)
            return _work(planned, recorders, suite, store, raise_error, reporter) if planned else []
        except RunFailedError as error:
            for recorder in recorders:  # Those that have ended stay as they are.
                recorder.abandon(f"stopped, since another run failed: {error.reason}")
            _say_what_waits(store, reporter)
            raise
        except KeyboardInterrupt as error:
            reason = "terminated (SIGTERM)" if isinstance(error, Terminated) else "interrupted"
            for recorder in recorders:
                recorder.abandon(reason)
            raise


def _work(
    planned: Sequence[PlannedRun],
    recorders: Sequence[RunRecorder],
    suite: Suite,
    store: Store,
    raise_error: bool,
    reporter: Reporter,
) -> list[RunResult]:
    """Fit all runs of a group, then predict, evaluate and record each."""
    made: list[RunResult] = []
    task = planned[0].task
    started = time.perf_counter()
    try:
        recipe = planned[0].spec.factory(planned[0].spec.config)
        if isinstance(recipe, BrokenRecipe):
            raise RecipeError(recipe.reason) from recipe.cause
        name = task.data.dataset.name
        requested_rows = [task.rows(run.spec) for run in planned]
        rows = task.data.readable_rows(
            requested_rows, partial(_prepare, task, partial(reporter.progress, f"features of {name}"))
        )
        for run_rows in rows:
            task.prepare_more(recipe, run_rows, partial(reporter.progress, f"tiles of {name}"))
        inputs = [
            task.given(run.spec, run_rows, refit=suite.refit) for run, run_rows in zip(planned, rows, strict=True)
        ]
        started = time.perf_counter()
        with time_limit(suite.limit_seconds and suite.limit_seconds * len(planned)):
            predictors: Sequence[Fitted] = task.fit(recipe, inputs)
        _check_predictors(predictors, planned)
        seconds = (time.perf_counter() - started) / len(planned)
    except (
        Exception,
        SystemExit,
        TimeLimitError,
    ) as error:
        # A plug-in may raise anything; the rest of the suite goes on.
        for run, recorder in zip(planned, recorders, strict=True):
            made.append(record_failure(run, recorder, error, suite, store, reporter))
        if raise_error:
            raise RunFailedError(error, made[0]) from error
        return made
    for run, recorder, run_rows, predictor in zip(planned, recorders, rows, predictors, strict=True):
        try:
            written = record(run, recorder, run_rows, predictor, seconds, suite.figures, suite.limit_seconds)
        except (SpoolError, WorkspaceError):
            raise
        except (Exception, SystemExit, TimeLimitError) as error:
            made.append(record_failure(run, recorder, error, suite, store, reporter))
            if raise_error:
                raise RunFailedError(error, made[-1]) from error
            continue
        remove_superseded(run, recorder, suite, store)
        reporter.say(f"finished: {run.spec}{f'; {written.kept}' if written.kept else ''}")
        made.append(written.result)
    return made


def _prepare(task: DatasetTask, progress: Progress, rows: IntArray) -> None:
    task.prepare(rows, progress)


def _check_predictors(predictors: object, planned: Sequence[PlannedRun]) -> None:
    """Check that a recipe returned one predictor for each task."""
    if not isinstance(predictors, Sequence) or len(predictors) != len(planned):
        returned = len(predictors) if isinstance(predictors, Sequence) else type(predictors).__name__
        raise RecipeError(
            f"fit_many was given {len(planned)} tasks and returned {returned}, where a list of as many is due."
        )
