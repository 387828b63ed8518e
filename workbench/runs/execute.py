"""Execute a suite: features once, every recipe on them, each result into MLflow as soon as it is there."""

from collections import Counter
from collections.abc import Mapping, Sequence

from workbench.formatting import counted
from workbench.runs.execution import Execution, Executor
from workbench.runs.failing import RunFailedError
from workbench.runs.in_process import InProcess
from workbench.runs.limits import can_limit
from workbench.runs.planned import PlannedRun, fitted_together, prepare_runs
from workbench.runs.recording import follow_moved, rank_anew
from workbench.runs.reporter import Reporter, Silent
from workbench.runs.suite import Suite
from workbench.settings import Settings
from workbench.tracking import RunResult, Store, close_abandoned, open_store, read_runs, sync_before
from workbench.tracking.faults import answering


def run_suite(
    suite: Suite,
    settings: Settings,
    *,
    fresh: bool = False,
    raise_error: bool = False,
    reporter: Reporter | None = None,
    executor: Executor | None = None,
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
        executor: Makes the runs; None makes them in this process.

    Returns:
        The suite's runs of this plan, one for each planned run, newest first.

    Raises:
        WorkbenchError: The plan itself is wrong (unknown names, wrong settings, data not there); nothing is run then.
        RunFailedError: A run failed, and `raise_error` asks to stop there.
        KeyboardInterrupt: Ctrl-C, once: after the run in hand; twice, or SIGTERM: at once. What is finished stays.
    """
    reporter, executor = reporter or Silent(), executor or InProcess()
    settings = executor.adapt(settings)
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
    execution = Execution(suite, settings, store, reporter, fresh, raise_error)
    known = [*in_store, *execution.spooled_runs()]
    before = [] if fresh else [run for run in known if run.status == "finished"]
    # The newest of a key comes last, and so is kept.
    finished = {
        planned_run.key: run
        for planned_run, run in reversed(_matching(planned, before))
        if not planned_run.must_replace(run)
    }
    stored_ids = {run.run_id for run in in_store}
    with answering(store.name):
        for planned_run in {planned_run.spec.data: planned_run for planned_run in planned}.values():
            follow_moved(planned_run, before, store)
        _remove_doubles(in_store, finished, store)
        for planned_run in planned:
            if planned_run.key in finished and finished[planned_run.key].run_id in stored_ids:
                rank_anew(planned_run, finished[planned_run.key], store)
    todo = [planned_run for planned_run in planned if planned_run.key not in finished]
    exposed = {planned_run.key for planned_run, run in _matching(todo, before) if planned_run.hides_names_of(run)}
    if exposed:
        again = "1 run was" if len(exposed) == 1 else f"{len(exposed)} runs were"
        reporter.say(f"{again} recorded with plain ids, or those of another key, and made anew with pseudonyms.")
    edited = {
        planned_run.key: planned_run.spec.recipe
        for planned_run, run in _matching(todo, before)
        if planned_run.is_edited_since(run)
    }
    for name, count in Counter(edited.values()).items():
        again = "1 run is" if count == 1 else f"{count} runs are"
        reporter.say(f"recipe {name!r} was edited since its last results: {again} made anew.")
    if len(todo) < len(planned):
        reporter.say(f"{len(planned) - len(todo)} of {len(planned)} runs are finished already.")
    made: list[RunResult] = []
    if todo:
        store.check_writable()
        try:
            made = executor.make(list(fitted_together(todo)), execution, len(planned))
        except (RunFailedError, KeyboardInterrupt):
            _say_what_waits(store, reporter)
            raise
    if store.link.is_usable():
        sync_before(store, reporter.say)
    _say_what_waits(store, reporter)
    # If the store is gone: its runs at the start, and those made since.
    alive = store.link.is_usable()
    runs = _matching(
        planned, execution.known_runs() if alive else [*reversed(made), *execution.spooled_runs(), *in_store]
    )
    # The newest, unless another process has just begun one.
    results = {planned_run.key: run for planned_run, run in reversed(runs)}
    if not fresh:
        results |= {planned_run.key: run for planned_run, run in reversed(runs) if planned_run.is_answered_by(run)}
    return [results[planned_run.key] for planned_run in planned if planned_run.key in results]


def _say_about_datasets(planned: Sequence[PlannedRun], reporter: Reporter) -> None:
    """Say what of each dataset is not read, which splits were made, and the like."""
    said: set[str] = set()
    for dataset in {each.spec.data: each.data.dataset for each in planned}.values():
        # Those of a transfer begin with those on its source, which stands by itself in most suites.
        of_transfer = () if dataset.trained_on is None else dataset.trained_on.notes
        for sentence in (*(f"{dataset.name}: {note}" for note in dataset.notes), *of_transfer):
            if sentence not in said:
                reporter.say(sentence)
                said.add(sentence)


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
