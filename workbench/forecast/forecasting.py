"""Forecast a suite: count what is left to do, measure a little of each part, and add up."""

import importlib
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from workbench.cores import usable_cores
from workbench.features import FeatureStore
from workbench.forecast.counting import Todo, count, still_missing, texts_missing
from workbench.forecast.forecast import Forecast
from workbench.forecast.history import fit_seconds
from workbench.forecast.machine import gpu_memory, gpus_of, peak_memory
from workbench.forecast.measuring import Draw, image_bytes, image_seconds, load_seconds, text_bytes, text_seconds
from workbench.forecast.schedule import Cell
from workbench.forecast.trials import Seen, batch_work, rehearse_all
from workbench.forecast.work import FeatureWork, ImageWork, Overhead
from workbench.models import Encoder
from workbench.runs.execution import Execution
from workbench.runs.planned import cell_of, prepare_runs
from workbench.runs.provenance import device_name
from workbench.runs.reporter import Reporter, Silent
from workbench.runs.suite import Suite
from workbench.settings import Settings
from workbench.tracking import open_store, read_runs

SECONDS = 30.0
"""How long may be measured by default, besides opening datasets and models, which a run does as well."""

_FOR_FEATURES = 0.4
"""Share of the time in which features are measured."""


def forecast_suite(
    suite: Suite,
    settings: Settings,
    *,
    fresh: bool = False,
    seconds: float = SECONDS,
    workers: int = 1,
    whole_cells: bool = False,
    started_seconds: float = 0.0,
    notes: Sequence[str] = (),
    reporter: Reporter | None = None,
) -> Forecast:
    """Forecast what a suite takes: images, time, memory, disk and GPU hours.

    Datasets are opened as a run opens them, and features that are computed for measuring are kept, so that the run has
    less to do. No run is recorded.

    Args:
        suite: The suite.
        settings: Cache, device, precision, store, as the executor adapts them.
        fresh: Finished runs are made again, too.
        seconds: About how long may be measured.
        workers: Processes at a time.
        whole_cells: They take a dataset and model with all runs, as tasks of a queue do.
        started_seconds: What starting this process took.
        notes: Sentences for the reader.
        reporter: Gets messages, and progress of reading.

    Raises:
        WorkbenchError: The plan is wrong, or a dataset or model is not there.
    """
    reporter = reporter or Silent()
    began = time.perf_counter()
    for library in ("torch", "mlflow", "open_clip"):
        with suppress(ImportError):
            importlib.import_module(library)
    imported = time.perf_counter() - began
    planned = prepare_runs(suite, settings, reporter)
    began = time.perf_counter()
    twins = {run.key: run for run in prepare_runs(suite, settings, Silent())}
    opened = time.perf_counter() - began  # For the second time, as the run will open them.
    store = open_store(settings)
    known = [] if fresh else Execution(suite, settings, store, reporter).known_runs()
    todo = count(planned, known, suite)
    batches = [[twins[run.key] for run in batch] for batch in todo.batches]
    for batch in batches:
        batch[0].data.duplicates = None
    reporter.say(f"measuring for at most {seconds:g} s, to forecast {sum(map(len, batches))} runs.")
    measuring = time.perf_counter()
    seen = Seen(measuring + seconds, problems=dict(todo.problems))
    features = FeatureStore.of(settings)
    encoders = {cell_of(batch[0].spec, suite)[1]: batch[0].data.encoder for batch in batches}
    loads, times = _measure_images(todo, encoders, features, seconds, seen, settings.workers)
    history = read_runs(store) if store.exists and batches else []
    for number, batch in enumerate(batches):
        if number not in seen.problems and (found := fit_seconds(batch, history)) is not None:
            seen.fits[number] = found
    rehearse_all(batches, suite, seen, is_default_store=store.sqlite_file is not None)
    texts = _text_works(encoders, features, seen)
    images = [
        ImageWork(
            dataset=cell[0], model=cell[1], view=view, total=missing.total,
            missing=still_missing(missing, encoders[cell[1]], features, view),
            seconds_each=times.get((cell, view), _alike(times, cell, view)),
            measured=(cell, view) in times,
            bytes_each=image_bytes(encoders[cell[1]], view),
        )
        for cell, views in todo.images.items()
        for view, missing in views.items()
        if missing.total
    ]  # fmt: skip
    works = [batch_work(number, batch, todo, seen, suite) for number, batch in enumerate(batches)]
    device = planned[0].data.device if planned else "cpu"
    overhead = Overhead(
        started_seconds + imported + opened + seen.setup_seconds,
        loads,
        0.0 if store.exists else seen.store.get("store_seconds", 0.0),
        seen.store.get("record_seconds"),
        0.0 if store.exists else seen.store.get("store_bytes", 0.0),
        seen.store.get("record_bytes", 0.0),
    )
    kept = max((work.missing * work.bytes_each for work in images), default=0)
    if batches and not store.sqlite_file:
        notes = [*notes, f"what {store.name} takes to record a run is not in it."]
    for rehearsed in seen.batches.values():
        shutil.rmtree(rehearsed.files, ignore_errors=True)
    cores = usable_cores()
    busy = sum(
        work.seconds * min(1.0, seen.batches[number].cores / cores)
        for number, work in enumerate(works)
        if number in seen.batches
    )
    return Forecast(
        runs=len(planned), made=todo.made, images=images, texts=texts, batches=works, overhead=overhead,
        device=device, device_name=device_name(device), workers=min(workers, max(1, len(batches))),
        whole_cells=whole_cells, gpus=gpus_of(device, workers, whole_cells=whole_cells),
        core_seconds=0.0 if whole_cells else busy + sum(work.seconds for work in images if device == "cpu"),
        memory=peak_memory() + kept + seen.pictures, gpu_memory=gpu_memory(device),
        measured_seconds=time.perf_counter() - measuring, limit_seconds=seconds, notes=notes,
    )  # fmt: skip


def _measure_images(
    todo: Todo, encoders: Mapping[str, Encoder], store: FeatureStore, seconds: float, seen: Seen, workers: int
) -> tuple[dict[str, float], dict[tuple[Cell, str], float]]:
    """Seconds to load each model that has something to compute, and for an image of each dataset, model and view."""
    wanted = [
        (cell, view, missing)
        for cell, views in todo.images.items()
        for view, missing in views.items()
        if missing.jobs
    ]  # fmt: skip
    loads: dict[str, float] = {}
    times: dict[tuple[Cell, str], float] = {}
    end = seen.left - seconds * _FOR_FEATURES
    for number, (cell, view, missing) in enumerate(wanted):
        encoder = encoders[cell[1]]
        is_new = cell[1] not in loads
        draw = Draw(missing, encoder, store, view, workers)
        if is_new:
            with seen.apart():
                loads[cell[1]] = load_seconds(encoder, draw)
        share = (seen.left - end) / (1 if is_new else len(wanted) - number)
        found = image_seconds(draw, share, _alike(times, cell, view), encoder.batch_size)
        if found is not None:
            times[cell, view] = found
    return loads, times


def _alike(times: Mapping[tuple[Cell, str], float], cell: Cell, view: str) -> float | None:
    """The mean time for an image by the same model, of other datasets that were measured."""
    found = [each for (other, seen), each in times.items() if (other[1], seen) == (cell[1], view)]
    return sum(found) / len(found) if found else None


def _text_works(encoders: Mapping[str, Encoder], store: FeatureStore, seen: Seen) -> list[FeatureWork]:
    """Texts that the rehearsed runs ask for."""
    works = []
    for model, encoder in encoders.items():
        rehearsals = [rehearsal for cell, rehearsal in seen.rehearsals.items() if cell[1] == model]
        known: set[str] = set().union(*(each.known_texts.get(encoder.fingerprint, ()) for each in rehearsals))
        missing: set[str] = set().union(*(each.texts.get(encoder.fingerprint, ()) for each in rehearsals))
        if not known and not missing:
            continue
        each_seconds, left = None, len(missing)
        if missing:
            each_seconds = text_seconds(missing, encoder, store)
            left = texts_missing(missing, encoder, store)
        works.append(
            FeatureWork(
                model=model, total=len(known | missing), missing=left, seconds_each=each_seconds,
                bytes_each=text_bytes(encoder),
            )
        )  # fmt: skip
    return works
