"""Adapt a model: train, walk back along the line to the weights before, measure, and record the run."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.adaptation.config import Adaptation
from workbench.adaptation.curve import WeightLine, choose, walk
from workbench.adaptation.fit import fit
from workbench.adaptation.measured import MeasuredSet, mean_over
from workbench.adaptation.network import AdaptedNetwork
from workbench.adaptation.outcome import examine
from workbench.adaptation.prepared import Prepared, prepare
from workbench.adaptation.recording import Adapted, begin, record
from workbench.adaptation.state import TrainingState
from workbench.adaptation.stream import PairStream
from workbench.adaptation.tables import DATASETS, outcome_rows, read_rows
from workbench.features import CachedModel, FeatureStore
from workbench.formatting import counted
from workbench.locks import locked
from workbench.masking import masked
from workbench.runs.reporter import Reporter, Silent
from workbench.settings import Settings
from workbench.tracking import (
    RunRecorder,
    RunResult,
    Store,
    close_abandoned,
    open_store,
    read_runs,
    schema,
    sync_before,
)
from workbench.tracking.reading import artifact_path
from workbench.training import Augmentation, Compute, NetworkEncoder, checkpointed, seeded

_STATE = "state.pt"


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

    After a kill at any instant the same call goes on from the last checkpoint, and ends with the same weights.

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
    folder = settings.cache / "adaptations" / prepared.key[:32]
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        known = None if fresh else _known(prepared, store)
        if known is not None:
            reporter.say("this adaptation is finished already; --fresh makes it anew.")
            return MadeAdaptation(known, read_rows(artifact_path(store, known, DATASETS)))
        if fresh:
            (folder / _STATE).unlink(missing_ok=True)
        store.check_writable()
        made = _make(prepared, folder, settings, store, reporter)
        shutil.rmtree(folder, ignore_errors=True)
    return made


def _known(prepared: Prepared, store: Store) -> RunResult | None:
    runs = read_runs(store, prepared.adaptation.name, key=prepared.key)
    key_name = prepared.pseudonyms.key_name if prepared.pseudonyms else None
    # A run that names what is to be hidden is no answer.
    hidden = [run for run in runs if key_name in {None, run.tags.get(schema.PSEUDONYMS)}]
    return next((run for run in hidden if run.status == "finished"), None)


def _make(
    prepared: Prepared, folder: Path, settings: Settings, store: Store, reporter: Reporter
) -> MadeAdaptation:  # fmt: skip
    sets = prepared.measured_sets(settings, reporter)
    recorder = begin(prepared, store)
    try:
        adapted = _work(prepared, sets, folder / _STATE, settings, reporter)
    except KeyboardInterrupt:
        recorder.abandon("interrupted")
        raise
    except Exception as error:
        recorder.fail(prepared.without_names(masked(str(error) or type(error).__name__)))
        raise
    return _recorded(prepared, adapted, recorder, reporter)


def _recorded(
    prepared: Prepared, adapted: Adapted, recorder: RunRecorder, reporter: Reporter
) -> MadeAdaptation:  # fmt: skip
    run, kept = record(prepared, adapted, recorder)
    reporter.say(f"finished: {recorder.record.name}{f'; {kept}' if kept else ''}")
    return MadeAdaptation(run, outcome_rows(adapted.outcomes))


def _work(
    prepared: Prepared, sets: Sequence[MeasuredSet], checkpoint: Path, settings: Settings, reporter: Reporter
) -> Adapted:
    """Train, choose the point on the line, and measure test."""
    adaptation, encoder = prepared.adaptation, prepared.encoder
    training, tolerance = adaptation.training, adaptation.retention.tolerance
    compute = Compute.resolve(encoder.device, training.precision, encoder.precision)
    model = CachedModel(encoder, FeatureStore.of(settings))
    pairs, counts = prepared.pairs(reporter)
    started = time.perf_counter()
    with seeded(adaptation.seed, encoder.device):
        network = AdaptedNetwork(model, training, compute)
        stream = PairStream(
            pairs, counts, network.loaded, compute, Augmentation(training.min_crop, training.flip), adaptation.seed,
            max_unreadable=settings.max_unreadable,
        )  # fmt: skip
        with checkpointed(network.loaded.network, enabled=training.checkpointing):
            state = fit(network, stream, training, checkpoint, _Judge(sets, compute), reporter)
    seconds = time.perf_counter() - started
    weights = network.weights()
    loaded = model.load()
    compute.place(loaded.network)
    line = WeightLine(loaded, weights, compute)
    points = walk(line, sets, adaptation.retention.grid, reporter)
    chosen = choose(points, tolerance)
    lost = chosen.forgets(points[0])
    gain = f"{100 * points[0].in_domain:.1f} -> {100 * chosen.in_domain:.1f} %"
    reporter.say(
        f"alpha {chosen.alpha:g} is chosen: validation {gain}"
        + ("" if chosen.retention is None else f", {100 * lost:.1f} points forgotten of {100 * tolerance:g} tolerated")
    )
    outcomes = examine(line, sets, chosen.alpha, reporter)
    notes = [prepared.without_names(note) for note in _notes(state, stream, sum(each.leaked for each in pairs))]
    return Adapted(
        state, points, chosen, outcomes, line.weights(chosen.alpha), sum(map(len, pairs)), seconds, notes
    )  # fmt: skip


class _Judge:
    """The score of a network in training: the mean over the datasets that the adaptation is for, on validation."""

    def __init__(self, sets: Sequence[MeasuredSet], compute: Compute) -> None:
        self._sets = [each for each in sets if each.role == "evaluate"]
        self._compute = compute

    def __call__(self, network: AdaptedNetwork) -> tuple[float, dict[str, float]]:
        encoder = NetworkEncoder(network.loaded, self._compute, scale=network.scale, bias=network.bias)
        values = [each.value(encoder) for each in self._sets]
        named = {each.name: value for each, value in zip(self._sets, values, strict=True)}
        return mean_over(self._sets, values), named


def _notes(state: TrainingState, stream: PairStream, left_out: int) -> list[str]:
    notes = []
    if state.best is not None and state.best.step == 0:
        notes.append("No step was better on validation than the model before: its weights are left as they were.")
    if stream.unreadable:
        name, reason = next(iter(stream.unreadable.items()))
        notes.append(
            f"{counted(len(stream.unreadable), 'training image')} could not be read and were left out, such as {name} "
            f"({reason})."
        )
    if left_out:
        notes.append(
            f"{counted(left_out, 'training image')} were left out, since they are among the validation or test "
            "images that are measured."
        )
    return notes
