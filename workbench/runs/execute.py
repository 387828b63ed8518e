"""Execute a suite: features once, every recipe on them, each result into MLflow as soon as it is there."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from workbench.datasets.roles import ROLES
from workbench.errors import RecipeError
from workbench.formatting import counted
from workbench.recipes import Fitted
from workbench.runs.broken import BrokenRecipe
from workbench.runs.claims import claimed
from workbench.runs.failing import RunFailedError, record_failure
from workbench.runs.interrupts import Interrupts, Terminated
from workbench.runs.jobs import Job, batches, prepare_jobs
from workbench.runs.joint_bench import JointBench
from workbench.runs.limits import TimeLimitError, can_limit, time_limit
from workbench.runs.recording import begin, follow_moved, rank_anew, record, remove_superseded
from workbench.runs.reporter import Reporter, Silent
from workbench.runs.suite import Suite
from workbench.runs.workspace import WorkspaceError
from workbench.settings import Settings
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
    """Run what a suite asks for and the store does not have yet.

    A recipe that fails is recorded as failed with its reason and its traceback, and the rest goes on. After a kill at
    any instant the same call finishes the suite: finished runs stay, an unfinished one is done anew, and so is a run
    whose recipe was edited since (see `recipe_source`), which then replaces the old one.

    Args:
        suite: What to run.
        settings: Cache, device, precision, store.
        fresh: Run finished ones again, too; each replaces the old one.
        raise_error: Stop at the first run that fails, once it is recorded.
        reporter: Told what happens.

    Returns:
        The suite's runs of this plan, one for each cell, newest first.

    Raises:
        WorkbenchError: The plan itself is wrong (unknown names, wrong settings, data not there); nothing is run then.
        RunFailedError: A run failed, and `raise_error` asks to stop there.
        KeyboardInterrupt: Ctrl-C, once: after the run in hand; twice, or SIGTERM: at once. What is finished stays.
    """
    tell = reporter or Silent()
    if suite.limit_seconds is not None and not can_limit():
        tell.say("limit_seconds has no effect here: time can be limited in the main thread of Linux and macOS only.")
    store = open_store(settings)
    store.link.check()
    jobs = prepare_jobs(suite, settings, tell)
    sync_before(store, tell.say)
    in_store = read_runs(store, suite.name)
    close_abandoned(store, in_store)
    known = [*in_store, *_spooled(store, suite)]
    before = [] if fresh else [run for run in known if run.status == "finished"]
    # The newest of a key comes last, and so is kept.
    finished = {job.key: run for job, run in reversed(_matching(jobs, before)) if not job.is_edited_since(run)}
    there = {run.run_id for run in in_store}
    with answering(store.name):
        for job in {job.cell.dataset: job for job in jobs}.values():
            follow_moved(job, before, store)
        _remove_doubles(in_store, finished, store)
        for job in jobs:
            if job.key in finished and finished[job.key].run_id in there:
                rank_anew(job, finished[job.key], store)
    todo = [job for job in jobs if job.key not in finished]
    edited = {job.key: job.cell.recipe for job, _ in _matching(todo, before)}
    for name, count in Counter(edited.values()).items():
        again = "1 run is" if count == 1 else f"{count} runs are"
        tell.say(f"recipe {name!r} was edited since its last results: {again} made anew.")
    if len(todo) < len(jobs):
        tell.say(f"{len(jobs) - len(todo)} of {len(jobs)} runs are finished already.")
    done = len(jobs) - len(todo)
    made: list[RunResult] = []
    if todo:
        store.check_writable()
    with Interrupts(tell) as interrupts:
        for group in batches(todo):
            made += _run_group(group, suite, settings, store, fresh, raise_error, tell)
            done += len(group)
            tell.progress("runs", done, len(jobs))
            if interrupts.asked and done < len(jobs):
                tell.say(f"Stopped after {done} of {len(jobs)} runs; the same command goes on from here.")
                _say_what_waits(store, tell)
                raise KeyboardInterrupt
            if done < len(jobs):
                store.check_writable()
    if store.link.is_usable():
        sync_before(store, tell.say)
    _say_what_waits(store, tell)
    # Of a store that is gone, what it held at the start, and what was made since.
    alive = store.link.is_usable()
    runs = _matching(jobs, _known(store, suite) if alive else [*reversed(made), *_spooled(store, suite), *in_store])
    found = {job.key: run for job, run in reversed(runs)}  # The newest, unless another process has just begun one.
    if not fresh:
        found |= {job.key: run for job, run in reversed(runs) if job.is_answered_by(run)}
    return [found[job.key] for job in jobs if job.key in found]


def _say_what_waits(store: Store, tell: Reporter) -> None:
    """Say how many runs are in the spool because the store is gone."""
    waiting = store.spool.entries(store.server)
    if waiting and not store.link.is_usable():
        # It begins so that a quiet reporter says it, too.
        tell.say(
            f"failed to reach {store.name} ({store.link.reason}): "
            f"{counted(len(waiting), 'run is', 'runs are')} kept in {store.spool.folder}; `workbench sync`, or the "
            "next command on this store, sends them."
        )


def _known(store: Store, suite: Suite) -> list[RunResult]:
    """The suite's runs in the store and in the spool; of a store that is gone, those in the spool."""
    found = _spooled(store, suite)
    if store.link.is_usable():
        try:
            return [*read_runs(store, suite.name), *found]
        except StoreError as error:
            store.link.note(error)
    return found


def _spooled(store: Store, suite: Suite) -> list[RunResult]:
    return [entry.as_result() for entry in store.spool.entries(store.server) if entry.record.suite == suite.name]


def _remove_doubles(runs: Sequence[RunResult], kept: Mapping[str, RunResult], store: Store) -> None:
    """Delete what a run has replaced, where a process was killed between the one and the other."""
    for run in runs:
        newest = kept.get(run.key)
        if newest is not None and run.status == "finished" and run.recency < newest.recency:
            store.delete_run(run.run_id, run.artifact_uri)


def _matching(jobs: Sequence[Job], runs: Sequence[RunResult]) -> list[tuple[Job, RunResult]]:
    """Each run with the job of its key, in the order of the runs."""
    by_key = {job.key: job for job in jobs}
    return [(by_key[run.key], run) for run in runs if run.key in by_key]


def _run_group(
    group: Sequence[Job],
    suite: Suite,
    settings: Settings,
    store: Store,
    fresh: bool,
    raise_error: bool,
    tell: Reporter,
) -> list[RunResult]:
    with claimed(group, settings.cache, tell):
        # Another process may have finished some of them meanwhile.
        there = [] if fresh else _matching(group, _known(store, suite))
        answered = {job.key for job, run in there if job.is_answered_by(run)}
        jobs = [job for job in group if job.key not in answered]
        recorders: list[RunRecorder] = []
        try:
            recorders += (begin(job, suite, store) for job in jobs)
            return _work(jobs, recorders, suite, store, raise_error, tell) if jobs else []
        except RunFailedError as error:
            for recorder in recorders:  # Those that have ended stay as they are.
                recorder.abandon(f"stopped, since another run failed: {error.reason}")
            _say_what_waits(store, tell)
            raise
        except KeyboardInterrupt as error:
            reason = "terminated (SIGTERM)" if isinstance(error, Terminated) else "interrupted"
            for recorder in recorders:
                recorder.abandon(reason)
            raise


def _work(
    jobs: Sequence[Job],
    recorders: Sequence[RunRecorder],
    suite: Suite,
    store: Store,
    raise_error: bool,
    tell: Reporter,
) -> list[RunResult]:
    """Fit all jobs of a group, then predict, evaluate and record each."""
    made: list[RunResult] = []
    bench = jobs[0].bench
    started = time.perf_counter()
    try:
        recipe = jobs[0].cell.factory(jobs[0].cell.config)
        if isinstance(recipe, BrokenRecipe):
            raise RecipeError(recipe.reason) from recipe.cause
        wanted = [bench.wanted(job.cell) for job in jobs]
        rows = bench.look(wanted, partial(tell.progress, f"features of {bench.dataset.name}"))
        predictors: Sequence[Fitted]
        if isinstance(bench, JointBench):
            if n := recipe.tiles(bench.dataset.card.task):
                bench.prepare_tiles(
                    np.concatenate([rows[0].seen(split) for split in ROLES]), n,
                    partial(tell.progress, f"tiles of {bench.dataset.name}"),
                )  # fmt: skip
            joint = bench.joint_task(jobs[0].cell, rows[0], refit=suite.refit)
            started = time.perf_counter()
            with time_limit(suite.limit_seconds):
                predictors = [recipe.fit_joint(joint)]
        else:
            tasks = [bench.task(job.cell, own, refit=suite.refit) for job, own in zip(jobs, rows, strict=True)]
            started = time.perf_counter()
            with time_limit(suite.limit_seconds and suite.limit_seconds * len(jobs)):
                predictors = recipe.fit_many(tasks) if len(jobs) > 1 else [recipe.fit(tasks[0])]
            _check_predictors(predictors, jobs)
        seconds = (time.perf_counter() - started) / len(jobs)
    except (
        Exception,
        SystemExit,
        TimeLimitError,
    ) as error:
        # A plug-in may raise anything; the rest of the suite goes on.
        for job, recorder in zip(jobs, recorders, strict=True):
            made.append(record_failure(job, recorder, error, suite, store, tell))
        if raise_error:
            raise RunFailedError(error, made[0]) from error
        return made
    for job, recorder, own, predictor in zip(jobs, recorders, rows, predictors, strict=True):
        try:
            written = record(job, recorder, own, predictor, seconds, suite.figures, suite.limit_seconds)
        except (SpoolError, WorkspaceError):
            raise
        except (Exception, SystemExit, TimeLimitError) as error:
            made.append(record_failure(job, recorder, error, suite, store, tell))
            if raise_error:
                raise RunFailedError(error, made[-1]) from error
            continue
        remove_superseded(job, recorder, suite, store)
        tell.say(f"finished: {job.cell}{f'; {written.kept}' if written.kept else ''}")
        made.append(written.result)
    return made


def _check_predictors(predictors: object, jobs: Sequence[Job]) -> None:
    """Whether a recipe gave one predictor a task."""
    if not isinstance(predictors, Sequence) or len(predictors) != len(jobs):
        found = len(predictors) if isinstance(predictors, Sequence) else type(predictors).__name__
        raise RecipeError(f"fit_many was given {len(jobs)} tasks and returned {found}, where a list of as many is due.")
