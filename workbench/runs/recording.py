"""What a run leaves in MLflow: parameters and tags at its beginning, metrics and artifacts at its end."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from workbench.datasets import place_of
from workbench.metrics import Estimate, flatten
from workbench.metrics.intervals import MIN_UNITS
from workbench.metrics.protocol import PROTOCOL
from workbench.models.languages import check_language
from workbench.recipes import Fitted
from workbench.runs.artifacts import write_artifacts
from workbench.runs.bench import SplitRows
from workbench.runs.evaluation import evaluate
from workbench.runs.jobs import Job
from workbench.runs.limits import time_limit
from workbench.runs.planning import NO_MODEL
from workbench.runs.provenance import device_name, git_tags, version_tags
from workbench.runs.suite import Suite
from workbench.runs.workspace import written
from workbench.tracking import RunRecorder, RunResult, Store, StoreError, read_runs, schema
from workbench.tracking.faults import answering
from workbench.tracking.writing import Written


def begin(job: Job, suite: Suite, store: Store) -> RunRecorder:
    """Begin a run with all that is known of it before any work."""
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
        schema.RECIPE_VERSION: cell.factory.version,
        schema.RECIPE_SOURCE: job.source.digest,
        schema.SOURCE_DECIDES: str(job.source.decides).lower(),
        schema.LANGUAGE: card.language,
        "dataset.fingerprint": job.bench.dataset.fingerprint,
        schema.PLACE: place_of(cell.dataset),
        schema.ITEMS: job.bench.dataset.items_digest,
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


def record(
    job: Job,
    recorder: RunRecorder,
    rows: SplitRows,
    predictor: Fitted,
    train_seconds: float,
    figures: bool,
    limit_seconds: float | None = None,
) -> Written:
    """Evaluate what was fitted on the test items and finish the run with it.

    Predicting and evaluating must be done within `limit_seconds`.
    """
    bench, report = job.bench, predictor.report
    with time_limit(limit_seconds):
        found = evaluate(predictor, bench, rows, job.cell.recipe)
    metrics = {**flatten(found.estimates), **found.counts, "train_seconds": train_seconds}
    notes = [*bench.dataset.notes, *bench.notes(rows), *report.notes]
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

    def write(folder: Path) -> None:
        write_artifacts(folder, job.cell, bench, rows, found.predictions, predictor, figures)

    with written(write, recorder.store.spool.folder) as folder:
        return recorder.finish(metrics, tags, folder, report.history)


def _reliability(estimates: Mapping[str, Estimate]) -> str:
    poor = [name for name, estimate in estimates.items() if not estimate.reliable]
    if any("/" not in name for name in poor):
        return f"unreliable: effectively under {MIN_UNITS} groups"
    return f"reliable, but for those of {', '.join(poor)}: effectively under {MIN_UNITS} groups" if poor else "reliable"


def remove_superseded(
    job: Job, recorder: RunRecorder, suite: Suite, store: Store, *, finished: bool = True
) -> None:  # fmt: skip
    """Delete earlier runs of the same key: killed, failed, or (unless not wanted) finished and asked for again.

    Where the store fails, or the process is killed here, they stay until the next `run` of the suite.
    """
    if not recorder.run_id or not store.link.is_usable():
        return
    try:
        with answering(store.name):
            for run in read_runs(store, suite.name, key=job.key):
                if run.run_id != recorder.run_id and (finished or run.status != "finished"):
                    store.delete_run(run.run_id, run.artifact_uri)
    except StoreError as error:
        store.link.note(error)


def follow_moved(job: Job, runs: Iterable[RunResult], store: Store) -> None:
    """Note where a dataset lies now on the runs of where it was before, if that place is gone: it is one dataset.

    Args:
        job: On the dataset.
        runs: Among which one on the same content tells where it was.
        store: All of its runs are changed.
    """
    dataset, place = job.bench.dataset, place_of(job.cell.dataset)
    same = [run for run in runs if run.tags.get("dataset.fingerprint") == dataset.fingerprint]
    before = {run.tags.get(schema.PLACE, "") for run in same if run.card_name == dataset.name}
    gone = {old for old in before if old != place and Path(old).is_absolute() and not Path(old).exists()}
    with answering(store.name):
        for run in read_runs(store) if gone else []:
            if run.card_name == dataset.name and run.tags.get(schema.PLACE) in gone:
                store.client.set_tag(run.run_id, schema.PLACE, place)


def rank_anew(job: Job, run: RunResult, store: Store) -> None:
    """Let a finished run be ranked by what the card says by now; which metric that is changes no result."""
    if run.tags.get(schema.PRIMARY_METRIC) != job.bench.dataset.card.primary_metric:
        with answering(store.name):
            store.client.set_tag(run.run_id, schema.PRIMARY_METRIC, job.bench.dataset.card.primary_metric)
