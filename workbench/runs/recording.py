"""The record of a run in MLflow: parameters and tags at its beginning, metrics and artifacts at its end."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from workbench.datasets import place_of
from workbench.datasets.roles import ROLES
from workbench.formatting import counted
from workbench.metrics import Estimate, flatten
from workbench.metrics.intervals import MIN_UNITS
from workbench.metrics.protocol import PROTOCOL
from workbench.models.languages import check_language
from workbench.recipes import FitReport, Fitted
from workbench.runs.artifacts import write_artifacts
from workbench.runs.evaluation import evaluate
from workbench.runs.key import run_key
from workbench.runs.limits import time_limit
from workbench.runs.planned import PlannedRun
from workbench.runs.planning import NO_MODEL
from workbench.runs.provenance import device_name, git_tags, version_tags
from workbench.runs.suite import Suite
from workbench.runs.workspace import run_folder
from workbench.tasks import SplitRows
from workbench.tracking import RunRecorder, RunResult, Store, StoreError, read_runs, schema
from workbench.tracking.faults import answering
from workbench.tracking.inputs import dataset_input
from workbench.tracking.places import KnownPlaces
from workbench.tracking.ui import NOTE, note_for
from workbench.tracking.writing import Written


def begin(planned: PlannedRun, suite: Suite, store: Store) -> RunRecorder:
    """Begin a run with all that is known of it before any work."""
    spec, card = planned.spec, planned.data.dataset.card
    params = {
        "model": spec.model, "dataset": card.name, "field": card.field, "task": card.task,
        "recipe": spec.recipe, "shots": spec.shots_text, "seed": spec.seed, "language": card.language,
        **{f"recipe.{key}": value for key, value in spec.config.model_dump(mode="json").items()},
    }  # fmt: skip
    encoder = planned.data.encoder
    tags = {
        schema.RUN_KEY: planned.key,
        schema.LABEL: spec.label,
        schema.PRIMARY_METRIC: card.primary_metric,
        "workbench.protocol": PROTOCOL,
        "workbench.refit": str(suite.refit).lower(),
        schema.RECIPE_VERSION: spec.factory.version,
        schema.RECIPE_SOURCE: planned.source.digest,
        schema.SOURCE_DECIDES: str(planned.source.decides).lower(),
        schema.LANGUAGE: card.language,
        "dataset.fingerprint": planned.data.dataset.fingerprint,
        schema.PLACE: planned.place,
        schema.ITEMS: planned.data.dataset.items_digest,
        "dataset.protocol": card.protocol,
        "dataset.verified": str(card.verified).lower(),
        "device": planned.data.device,
        "device.name": device_name(planned.data.device),
        **version_tags(),
        **git_tags(),
    }
    group = run_key(
        replace(spec, seed=0), planned.data.dataset, None if spec.model == NO_MODEL else encoder, refit=suite.refit
    )
    tags[schema.RUN_GROUP] = f"{spec.label}, {card.name}, {spec.model}, {spec.shots_text} shots ({group[:8]})"
    if spec.inference != "inductive":
        tags[schema.INFERENCE] = spec.inference
    whole = planned.data.dataset.whole.fingerprint
    if whole != planned.data.dataset.fingerprint:
        tags[schema.WHOLE] = whole
    if planned.trained_on is not None:
        params["trained_on"] = planned.trained_on.name
        tags[schema.TRAINED_ON] = planned.trained_on.name
        tags[schema.SOURCE_FINGERPRINT] = planned.trained_on.dataset.fingerprint
        if not planned.trained_on.classes:
            tags[schema.SCORES_BY_TEXT] = "true"
    if notes := planned.data.dataset.notes:
        tags[schema.DATASET_NOTES] = "\n".join(notes)
    if spec.model != NO_MODEL:
        tags |= {
            "model.fingerprint": encoder.fingerprint,
            "precision": encoder.precision,
            "preprocessing": encoder.preprocessing,
            **({"model.notice": encoder.notice} if encoder.notice else {}),
            **({schema.MODEL_LINEAGE: encoder.lineage} if encoder.lineage else {}),
        }
    if (pseudonyms := planned.data.dataset.pseudonyms) is not None:
        tags[schema.PSEUDONYMS] = pseudonyms.key_name
    name = planned.recorded_name
    KnownPlaces(planned.data.store.root.parent).note(place_of(spec.dataset), planned.place)
    return RunRecorder.begin(store, suite.name, name, params, tags)


def record(
    planned: PlannedRun,
    recorder: RunRecorder,
    rows: SplitRows,
    predictor: Fitted,
    train_seconds: float,
    figures: bool,
    limit_seconds: float | None = None,
) -> Written:
    """Evaluate a fitted predictor on the test items, and finish the run with the results.

    Predicting and evaluating must be done within `limit_seconds`.
    """
    data, report = planned.data, predictor.report
    with time_limit(limit_seconds):
        evaluation = evaluate(planned, predictor, rows)
    metrics = {**flatten(evaluation.estimates), **evaluation.counts, "train_seconds": train_seconds}
    of_run = data.dataset.shown_texts(
        [*planned.task.notes(rows), *report.notes, *_about_choosing(planned, rows, report)]
    )
    of_transfer = () if planned.trained_on is None else data.dataset.shown_texts(planned.trained_on.notes)
    notes = [*of_transfer, *data.dataset.notes, *data.duplicate_notes, *of_run]
    if planned.spec.model != NO_MODEL and (doubt := check_language(data.encoder, data.dataset.card.language)):
        notes.append(doubt)
    if data.corrupt_shards:
        notes.append(
            f"{len(data.corrupt_shards)} damaged feature shards were passed over, and their features made again."
        )
    tags = {
        "scale": f"{predictor.scale:g}",
        "intervals": _reliability(evaluation.estimates),
        **{f"chosen.{key}": str(value) for key, value in report.chosen.items()},
        **({"notes": "\n".join(notes)} if notes else {}),
        # Of a transfer they are no notes on the dataset, under which tables show them.
        **(
            {schema.DUPLICATE_NOTES: "\n".join(data.duplicate_notes)}
            if data.duplicate_notes and planned.trained_on is None
            else {}
        ),
        **_about_model(planned),
        **({NOTE: note_for(recorder.run_id)} if recorder.run_id else {}),
    }

    def write(folder: Path) -> None:
        write_artifacts(folder, planned, rows, evaluation.predictions, predictor, figures)

    with run_folder(write, recorder.store.spool.folder) as folder:
        return recorder.finish(metrics, tags, folder, report.history, _inputs(planned, rows))


def _inputs(planned: PlannedRun, rows: SplitRows) -> list[dict[str, str]]:
    """The datasets of a run for MLflow: what it was fitted on, and its test items, whose digest compared runs share."""
    dataset, trained_on = planned.data.dataset, planned.trained_on
    inputs = []
    if len(rows.train):
        source = dataset if trained_on is None else trained_on.dataset
        # Of the whole dataset: MLflow keeps one entry for all runs on it, and how many a run took are its metrics.
        counts = {f"{split}_images": len(source.rows(split)) for split in ROLES}
        inputs.append(dataset_input(source.card.name, source.fingerprint, "training", planned.place, counts))
    test = {"test_images": len(rows.test), "classes": len(dataset.class_names)}
    return [*inputs, dataset_input(dataset.card.name, dataset.items_digest, "test", planned.place, test)]


def _about_choosing(planned: PlannedRun, rows: SplitRows, report: FitReport) -> list[str]:
    """A note where labels of the target have chosen a hyper-parameter of what is said to do without them."""
    without_labels = planned.spec.unlabelled or planned.spec.inference != "inductive"
    if not (without_labels and report.chosen and len(rows.val) and planned.data.dataset.validates_on_target):
        return []
    return [
        f"Labels of the target were used: {counted(len(rows.val), 'labelled validation image')} of the domain of test "
        f"chose {', '.join(report.chosen)}."
    ]


def _about_model(planned: PlannedRun) -> dict[str, str]:
    """What is known of the model after its use: what precision and preprocessing cost, and texts that are one to it."""
    if planned.spec.model == NO_MODEL:
        return {}
    drift, pixels = planned.data.encoder.drift, planned.data.encoder.pixel_drift
    tags = {} if drift is None else {"precision.drift": f"{drift:.2e}"}
    if pixels is not None:
        tags["preprocessing.drift"] = f"{pixels.mean:.2e}, pixels by up to {pixels.levels} of 255"
    pairs = planned.data.model.equal_texts()
    if pairs:
        count = "1 pair of texts is" if len(pairs) == 1 else f"{len(pairs)} pairs of texts are"
        first, second = pairs[0]
        tags[schema.MODEL_NOTES] = f"{count} one text to the tokenizer of this model, such as {first!r} and {second!r}."
    return tags


def _reliability(estimates: Mapping[str, Estimate]) -> str:
    poor = [name for name, estimate in estimates.items() if not estimate.reliable]
    if any("/" not in name for name in poor):
        return f"unreliable: effectively under {MIN_UNITS} groups"
    return f"reliable, but for those of {', '.join(poor)}: effectively under {MIN_UNITS} groups" if poor else "reliable"


def remove_superseded(
    planned: PlannedRun, recorder: RunRecorder, suite: Suite, store: Store, *, finished: bool = True
) -> None:  # fmt: skip
    """Delete earlier runs of the same key: killed, failed, or (if `finished`) finished and made anew.

    Where the store fails, or the process is killed here, they stay until the next `run` of the suite.
    """
    if not recorder.run_id or not store.link.is_usable():
        return
    try:
        with answering(store.name):
            for run in read_runs(store, suite.name, key=planned.key):
                if run.run_id != recorder.run_id and (finished or run.status != "finished"):
                    store.delete_run(run.run_id, run.artifact_uri)
    except StoreError as error:
        store.link.note(error)


def follow_moved(planned: PlannedRun, runs: Iterable[RunResult], store: Store) -> None:
    """Note a dataset's new place on its runs from its old place, if that is gone: it is one dataset.

    Args:
        planned: On the dataset.
        runs: Those on the same content show the old place.
        store: All of its runs are changed.
    """
    dataset, place = planned.data.dataset, planned.place
    places = KnownPlaces(planned.data.store.root.parent)
    same = [run for run in runs if run.tags.get("dataset.fingerprint") == dataset.fingerprint]
    before = {run.tags.get(schema.PLACE, "") for run in same if run.card_name == dataset.name}
    gone = {old for old in before if old != place and places.is_gone(old)}
    with answering(store.name):
        for run in read_runs(store) if gone else []:
            if run.card_name == dataset.name and run.tags.get(schema.PLACE) in gone:
                store.client.set_tag(run.run_id, schema.PLACE, place)


def rank_anew(planned: PlannedRun, run: RunResult, store: Store) -> None:
    """Tag a finished run with the card's current primary metric, which changes no result."""
    if run.tags.get(schema.PRIMARY_METRIC) != planned.data.dataset.card.primary_metric:
        with answering(store.name):
            store.client.set_tag(run.run_id, schema.PRIMARY_METRIC, planned.data.dataset.card.primary_metric)
