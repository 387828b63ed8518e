"""Execute a suite: features once, every recipe on them, each result into MLflow as soon as it is there."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.datasets import Dataset, open_dataset
from workbench.errors import RecipeError, WorkbenchError
from workbench.features import FeatureStore
from workbench.metrics import Estimate, flatten
from workbench.models import Encoder, open_model, resolve_device
from workbench.models.languages import check_language
from workbench.recipes import Fitted, Recipe
from workbench.runs.artifacts import write_artifacts
from workbench.runs.bench import Bench, SplitRows
from workbench.runs.evaluation import evaluate
from workbench.runs.joint_bench import JointBench, bench_class
from workbench.runs.key import PROTOCOL, run_key
from workbench.runs.planning import NO_MODEL, Cell, plan
from workbench.runs.provenance import device_name, git_tags, version_tags
from workbench.runs.reporter import Reporter, Silent
from workbench.runs.suite import Suite
from workbench.settings import Settings
from workbench.tracking import RunRecorder, RunResult, Store, open_store, read_runs, schema

if TYPE_CHECKING:
    from filelock import BaseFileLock


@dataclass(frozen=True)
class Job:
    """A cell with its key, and the bench it runs on."""

    cell: Cell
    key: str
    bench: Bench


def run_suite(
    suite: Suite, settings: Settings, *, fresh: bool = False, reporter: Reporter | None = None
) -> list[RunResult]:
    """Run what a suite asks for and the store does not have yet.

    A recipe that fails is recorded as failed with its reason, and the rest goes on. After a kill at any
    instant the same call finishes the suite: finished runs stay, an unfinished one is done anew.

    Args:
        suite: What to run.
        settings: Cache, device, precision, store.
        fresh: Run finished ones again, too; each replaces the old one.
        reporter: Told what happens.

    Returns:
        The suite's runs of this plan, one for each cell, newest first.

    Raises:
        WorkbenchError: The plan itself is wrong (unknown names, wrong settings, data not there); nothing is run then.
    """
    tell = reporter or Silent()
    jobs = prepare_jobs(suite, settings, tell)
    store = open_store(settings)
    keys = {job.key for job in jobs}
    finished = set() if fresh else {r.key for r in read_runs(store, suite.name) if r.status == "finished"}
    todo = [job for job in jobs if job.key not in finished]
    if len(todo) < len(jobs):
        tell.say(f"{len(jobs) - len(todo)} of {len(jobs)} runs are finished already.")
    done = len(jobs) - len(todo)
    for group in _groups(todo):
        _run_group(group, suite, settings, store, fresh, tell)
        done += len(group)
        tell.progress("runs", done, len(jobs))
    found: dict[str, RunResult] = {}
    for run in read_runs(store, suite.name):
        if run.key in keys and (run.key not in found or run.status == "finished"):
            found[run.key] = run
    return [found[job.key] for job in jobs if job.key in found]


def prepare_jobs(suite: Suite, settings: Settings, tell: Reporter) -> list[Job]:
    """Resolve names, open datasets and identify models; whatever is wrong with a suite shows here, before any work."""
    cells = plan(suite)
    device = resolve_device(settings.device)
    store = FeatureStore(settings.cache)
    datasets: dict[str, Dataset] = {}
    for argument in suite.datasets:
        datasets[argument] = open_dataset(
            argument, settings, partial(tell.progress, f"reading {argument}"), language=suite.language
        )
    asked = {entry.recipe for entry in suite.recipes}
    # The baseline that every suite has is one of classification.
    cells = [cell for cell in cells if cell.recipe in asked or datasets[cell.dataset].card.task in cell.factory.tasks]
    for cell in cells:
        _check_fits(cell, datasets[cell.dataset])
    encoders: dict[str, Encoder] = {}
    for argument in suite.models:
        encoders[argument] = open_model(argument, settings)
        for language in sorted({dataset.card.language for dataset in datasets.values()}):
            doubt = check_language(encoders[argument], language)
            if doubt is not None:
                tell.say(doubt)
        if encoders[argument].notice:
            tell.say(f"{argument} is {encoders[argument].notice}.")
    benches: dict[tuple[str, str], Bench] = {}
    jobs = []
    for cell in cells:
        # Recipes that read nothing still need a model's eyes to know which images are readable.
        argument = suite.models[0] if cell.model == NO_MODEL else cell.model
        bench = benches.setdefault(
            (cell.dataset, argument),
            bench_class(datasets[cell.dataset])(
                datasets[cell.dataset], encoders[argument], store, device, settings.max_unreadable, settings.workers
            ),
        )
        encoder = None if cell.model == NO_MODEL else bench.encoder
        jobs.append(Job(cell, run_key(cell, bench.dataset, encoder, refit=suite.refit), bench))
    return jobs


def _check_fits(cell: Cell, dataset: Dataset) -> None:
    task = dataset.card.task
    if task not in cell.factory.tasks:
        can = ", ".join(sorted(cell.factory.tasks))
        raise RecipeError(f"recipe {cell.recipe!r} does {can}, and dataset {dataset.name!r} is for {task}.")
    if dataset.card.multi_label and not cell.factory.multi_label:
        raise RecipeError(f"recipe {cell.recipe!r} cannot do multi-label datasets such as {dataset.name!r}.")
    if len(dataset.unseen_classes) and not cell.factory.unseen:
        raise RecipeError(
            f"recipe {cell.recipe!r} cannot recognise classes without training images, of which dataset "
            f"{dataset.name!r} has {len(dataset.unseen_classes)}."
        )


def _groups(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs that a recipe fits together because it has a batched `fit_many`; all others one by one."""
    batches: dict[tuple[Any, ...], list[Job]] = {}
    for i, job in enumerate(jobs):
        batched = job.cell.factory.fit_many is not Recipe.fit_many and not isinstance(job.bench, JointBench)
        key = (id(job.bench), job.cell.model, job.cell.label, job.cell.config) if batched else (i,)
        batches.setdefault(key, []).append(job)
    yield from batches.values()


def _run_group(
    group: Sequence[Job], suite: Suite, settings: Settings, store: Store, fresh: bool, tell: Reporter
) -> None:
    with ExitStack() as stack:
        jobs = [job for job in group if stack.enter_context(_claimed(job, suite, settings, store, fresh))]
        if not jobs:
            return
        recorders = [_begin(job, suite, store) for job in jobs]
        try:
            _work(jobs, recorders, suite, store, tell)
        except KeyboardInterrupt:
            for recorder in recorders:
                recorder.fail("interrupted", "KILLED")
            raise


@contextmanager
def _claimed(job: Job, suite: Suite, settings: Settings, store: Store, fresh: bool) -> Iterator[bool]:
    """Hold a run key against other processes on this machine; False if one of them has finished it meanwhile."""
    from filelock import FileLock

    folder = settings.cache / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock: BaseFileLock = FileLock(folder / f"{job.key[:32]}.lock")
    with lock:
        yield fresh or not any(r.status == "finished" for r in read_runs(store, suite.name, key=job.key))


def _begin(job: Job, suite: Suite, store: Store) -> RunRecorder:
    cell, card = job.cell, job.bench.dataset.card
    params = {
        "model": cell.model, "dataset": card.name, "field": card.field, "task": card.task,
        "recipe": cell.recipe, "shots": cell.shots_text, "seed": cell.seed, "language": card.language,
        **{f"recipe.{key}": value for key, value in cell.config.model_dump(mode="json").items()},
    }  # fmt: skip
    encoder = job.bench.encoder
    tags = {
        schema.RUN_KEY: job.key,
        schema.LABEL: cell.label,
        schema.PRIMARY_METRIC: card.primary_metric,
        "workbench.protocol": PROTOCOL,
        "workbench.refit": str(suite.refit).lower(),
        "workbench.recipe_version": cell.factory.version,
        schema.LANGUAGE: card.language,
        "dataset.fingerprint": job.bench.dataset.fingerprint,
        "dataset.protocol": card.protocol,
        "dataset.verified": str(card.verified).lower(),
        "device": job.bench.device,
        "device.name": device_name(job.bench.device),
        **version_tags(),
        **git_tags(),
    }
    if cell.model != NO_MODEL:
        tags |= {
            "model.fingerprint": encoder.fingerprint,
            "precision": encoder.precision,
            "precision.drift": f"{encoder.drift:.2e}",
            **({"model.notice": encoder.notice} if encoder.notice else {}),
        }
    return RunRecorder.begin(store, suite.name, str(cell), params, tags)


def _work(jobs: Sequence[Job], recorders: Sequence[RunRecorder], suite: Suite, store: Store, tell: Reporter) -> None:
    """Fit all jobs of a group, then predict, evaluate and record each."""
    bench = jobs[0].bench
    started = time.perf_counter()
    try:
        wanted = [bench.wanted(job.cell) for job in jobs]
        touched = np.unique(np.concatenate([np.concatenate([w.train, w.val, w.test]) for w in wanted]))
        bench.prepare(touched, partial(tell.progress, f"features of {bench.dataset.name}"))
        rows = [bench.readable(own) for own in wanted]
        recipe = jobs[0].cell.factory(jobs[0].cell.config)
        predictors: Sequence[Fitted]
        if isinstance(bench, JointBench):
            if n := recipe.tiles(bench.dataset.card.task):
                bench.prepare_tiles(
                    np.concatenate([rows[0].train, rows[0].val, rows[0].test]), n,
                    partial(tell.progress, f"tiles of {bench.dataset.name}"),
                )  # fmt: skip
            joint = bench.joint_task(jobs[0].cell, rows[0], refit=suite.refit)
            started = time.perf_counter()
            predictors = [recipe.fit_joint(joint)]
        else:
            tasks = [bench.task(job.cell, own, refit=suite.refit) for job, own in zip(jobs, rows, strict=True)]
            started = time.perf_counter()
            predictors = recipe.fit_many(tasks) if len(jobs) > 1 else [recipe.fit(tasks[0])]
        seconds = (time.perf_counter() - started) / len(jobs)
    except Exception as error:  # A plug-in may raise anything; the rest of the suite goes on.
        for job, recorder in zip(jobs, recorders, strict=True):
            _failed(job, recorder, error, suite, store, tell)
        return
    for job, recorder, own, predictor in zip(jobs, recorders, rows, predictors, strict=True):
        try:
            _record(job, recorder, own, predictor, seconds, suite.figures)
        except Exception as error:
            _failed(job, recorder, error, suite, store, tell)
            continue
        _remove_superseded(job, recorder, suite, store)
        tell.say(f"finished: {job.cell}")


def _failed(
    job: Job, recorder: RunRecorder, error: Exception, suite: Suite, store: Store, tell: Reporter
) -> None:  # fmt: skip
    reason = str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
    recorder.fail(reason)
    _remove_superseded(job, recorder, suite, store, finished=False)
    tell.say(f"failed: {job.cell}: {reason}")


def _record(
    job: Job,
    recorder: RunRecorder,
    rows: SplitRows,
    predictor: Fitted,
    train_seconds: float,
    figures: bool,
) -> None:
    bench, report = job.bench, predictor.report
    found = evaluate(predictor, bench, rows, job.cell.recipe)
    metrics = {**flatten(found.estimates), **found.counts, "train_seconds": train_seconds}
    notes = [*bench.dataset.notes, *report.notes]
    if job.cell.model != NO_MODEL and (doubt := check_language(bench.encoder, bench.dataset.card.language)):
        notes.append(doubt)
    if bench.corrupt_shards:
        notes.append(f"{len(bench.corrupt_shards)} damaged feature shards were moved aside and computed again.")
    tags = {
        "scale": f"{predictor.scale:g}",
        "intervals": _reliability(found.estimates),
        **{f"chosen.{key}": str(value) for key, value in report.chosen.items()},
        **({"notes": "\n".join(notes)} if notes else {}),
    }
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        write_artifacts(Path(folder), job.cell, bench, rows, found.predictions, predictor, figures)
        recorder.finish(metrics, tags, Path(folder), report.history)


def _reliability(estimates: Mapping[str, Estimate]) -> str:
    poor = [name for name, estimate in estimates.items() if not estimate.reliable]
    if any("/" not in name for name in poor):
        return "unreliable: under 20 groups"
    return f"reliable, but for those of {', '.join(poor)}: under 20 groups" if poor else "reliable"


def _remove_superseded(
    job: Job, recorder: RunRecorder, suite: Suite, store: Store, *, finished: bool = True
) -> None:  # fmt: skip
    """Delete earlier runs of the same key: killed, failed, or (unless not wanted) finished and asked for again."""
    for run in read_runs(store, suite.name, key=job.key):
        if run.run_id != recorder.run_id and (finished or run.status != "finished"):
            store.client.delete_run(run.run_id)
