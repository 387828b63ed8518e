"""Adapt a model: train, walk back along the line to the weights before, measure, and record the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.adaptation.config import Adaptation
from workbench.adaptation.curve import WeightLine, choose, walk
from workbench.adaptation.measured import MeasuredSet
from workbench.adaptation.outcome import examine
from workbench.adaptation.prepared import Prepared, prepare
from workbench.adaptation.recording import Adapted, begin, record
from workbench.adaptation.tables import DATASETS, outcome_rows, read_rows
from workbench.adaptation.trained import Trained, train, trained_by
from workbench.features import CachedModel, FeatureStore
from workbench.locks import locked
from workbench.masking import masked
from workbench.runs.finished import FinishedRun
from workbench.runs.reporter import Reporter, Silent
from workbench.settings import Settings
from workbench.tracking import RunResult, Store, close_abandoned, open_store, read_runs, schema, sync_before
from workbench.tracking.reading import artifact_path
from workbench.training import Compute


@dataclass(frozen=True)
class MadeAdaptation:
    """An adaptation that is recorded.

    Attributes:
        run: The run.
        rows: Each dataset on test, before, after and chosen, see `outcome_rows`.
    """

    run: RunResult
    rows: Sequence[dict[str, Any]]


def adapt(
    adaptation: Adaptation, settings: Settings, *, fresh: bool = False, reporter: Reporter | None = None
) -> MadeAdaptation:
    """Make an adaptation, or find the run that has made it.

    After a kill at any instant the same call goes on from the last checkpoint, and ends with the same weights. With
    another tolerance, or other alphas, the weights of an earlier run are taken, and only what comes after is made.

    Args:
        adaptation: As in its file.
        settings: Cache, device, precision, store.
        fresh: Make it anew from the beginning; the run replaces the old one.
        reporter: Gets messages and progress.

    Raises:
        WorkbenchError: A name, setting or image cannot be used, or training failed; the run is recorded as failed.
        KeyboardInterrupt: Ctrl-C; the run is recorded as killed, and the last checkpoint stays.
    """
    reporter = reporter or Silent()
    store = open_store(settings)
    store.link.check()
    prepared = prepare(adaptation, settings, reporter)
    sync_before(store, reporter.say)
    close_abandoned(store, read_runs(store, adaptation.name))
    checkpoint = settings.cache / "adaptations" / f"{prepared.training_key[:32]}.pt"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with locked(checkpoint.with_suffix(".lock")):
        known = None if fresh else _known(prepared, store)
        if known is not None:
            reporter.say("this adaptation is finished already; --fresh makes it anew.")
            return MadeAdaptation(known, read_rows(artifact_path(store, known, DATASETS)))
        if fresh:
            checkpoint.unlink(missing_ok=True)
        store.check_writable()
        made = _make(prepared, checkpoint, settings, store, fresh, reporter)
        checkpoint.unlink(missing_ok=True)
    return made


def _known(prepared: Prepared, store: Store) -> RunResult | None:
    runs = read_runs(store, prepared.adaptation.name, key=prepared.key)
    key_name = prepared.pseudonyms.key_name if prepared.pseudonyms else None
    # A run that names what is to be hidden is no answer.
    hidden = [run for run in runs if key_name in {None, run.tags.get(schema.PSEUDONYMS)}]
    return next((run for run in hidden if run.status == "finished"), None)


def _same_training(prepared: Prepared, settings: Settings, store: Store) -> FinishedRun | None:
    """A finished run of the same training, that differs in its tolerance, or in the alphas that it tried."""
    runs = read_runs(store, prepared.adaptation.name)
    same = [run for run in runs if run.tags.get(schema.TRAINING_KEY) == prepared.training_key]
    return next((FinishedRun(run, settings) for run in same if run.status == "finished"), None)


def _make(
    prepared: Prepared, checkpoint: Path, settings: Settings, store: Store, fresh: bool, reporter: Reporter
) -> MadeAdaptation:
    sets = prepared.measured_sets(settings, reporter)
    earlier = None if fresh else _same_training(prepared, settings, store)
    recorder = begin(prepared, store, settings.cache)
    try:
        encoder = prepared.encoder
        compute = Compute.resolve(encoder.device, prepared.adaptation.training.precision, encoder.precision)
        model = CachedModel(encoder, FeatureStore.of(settings))
        if earlier is None:
            trained = train(prepared, model, compute, sets, checkpoint, settings.max_unreadable, reporter)
        else:
            reporter.say(f"its training is that of run {earlier.result.run_id[:8]}, whose weights are taken.")
            trained = trained_by(earlier)
        adapted = _measure(prepared, trained, model, compute, sets, reporter)
    except KeyboardInterrupt:
        recorder.abandon("interrupted")
        reporter.say("Stopped; the same command goes on from the last checkpoint.")
        raise
    except Exception as error:
        recorder.fail(prepared.without_names(masked(str(error) or type(error).__name__)))
        raise
    run, kept = record(prepared, adapted, recorder)
    reporter.say(f"finished: {recorder.record.name}{f'; {kept}' if kept else ''}")
    return MadeAdaptation(run, outcome_rows(adapted.outcomes))


def _measure(
    prepared: Prepared,
    trained: Trained,
    model: CachedModel,
    compute: Compute,
    sets: Sequence[MeasuredSet],
    reporter: Reporter,
) -> Adapted:
    """Choose the point on the line on validation, and measure test there and at both ends."""
    retention = prepared.adaptation.retention
    loaded = model.load()
    compute.place(loaded.network)
    line = WeightLine(loaded, trained.weights, compute)
    points = walk(line, sets, retention.grid, reporter)
    chosen = choose(points, retention.tolerance)
    gain = f"{100 * points[0].in_domain:.1f} -> {100 * chosen.in_domain:.1f} %"
    lost = f", {100 * chosen.forgets(points[0]):.1f} points forgotten of {100 * retention.tolerance:g} tolerated"
    reporter.say(
        f"alpha {chosen.alpha:g} is chosen: validation {gain}{'' if chosen.retention is None else lost}"
    )  # fmt: skip
    return Adapted(trained, points, chosen, examine(line, sets, chosen.alpha, reporter))
