"""An adaptation as a run of the MLflow store: its network, the curve, and what it has brought and cost."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.adaptation.curve import CurvePoint
from workbench.adaptation.figure import curve_figure
from workbench.adaptation.outcome import CHOSEN, STATES, Outcome
from workbench.adaptation.prepared import VERSION, Prepared
from workbench.adaptation.tables import CURVE, DATASETS, curve_rows, outcome_rows, write_rows
from workbench.adaptation.trained import Trained
from workbench.datasets import place_of
from workbench.figures import save_png
from workbench.metrics.keys import metric_keys
from workbench.metrics.protocol import PROTOCOL
from workbench.runs.provenance import device_name, git_tags, version_tags
from workbench.runs.workspace import run_folder
from workbench.tasks.adaptation import NAME, NETWORK
from workbench.tracking import RunRecorder, RunResult, Store, read_runs, schema
from workbench.tracking.checksums import write_checksums
from workbench.tracking.faults import answering
from workbench.tracking.places import KnownPlaces, place_names, recorded_place
from workbench.training.weights import write_weights

RECIPE = "adapt"


@dataclass(frozen=True)
class Adapted:
    """All that came of an adaptation.

    Attributes:
        trained: The training.
        points: Validation along the line, ascending alphas.
        chosen: One of the points.
        outcomes: Test.
    """

    trained: Trained
    points: Sequence[CurvePoint]
    chosen: CurvePoint
    outcomes: Sequence[Outcome]


def begin(prepared: Prepared, store: Store, cache: Path) -> RunRecorder:
    """Begin a run with all that is known before any work; the cache keeps where its dataset lies."""
    adaptation, encoder = prepared.adaptation, prepared.encoder
    trained = [prepared.datasets[source.dataset] for source in adaptation.train]
    names = " + ".join(dict.fromkeys(dataset.name for dataset in trained))
    first = adaptation.train[0].dataset
    place = recorded_place(place_of(first), trained[0].pseudonyms, trained[0].name)
    training = adaptation.training.model_dump(mode="json", exclude_none=True)
    params = {
        "model": encoder.name, "dataset": names, "field": trained[0].card.field, "task": NAME, "recipe": RECIPE,
        "shots": "all", "seed": adaptation.seed, "language": trained[0].card.language,
        **{f"recipe.{key}": value for key, value in training.items()},
        "recipe.tolerance": adaptation.retention.tolerance,
    }  # fmt: skip
    tags = {
        schema.RUN_KEY: prepared.key,
        schema.TRAINING_KEY: prepared.training_key,
        schema.LABEL: RECIPE,
        schema.PRIMARY_METRIC: "in_domain",
        "workbench.protocol": PROTOCOL,
        schema.RECIPE_VERSION: VERSION,
        schema.LANGUAGE: trained[0].card.language,
        "dataset.fingerprint": trained[0].fingerprint if len(trained) == 1 else prepared.key,
        schema.PLACE: place if len(trained) == 1 else "",
        "model.fingerprint": encoder.fingerprint,
        "precision": encoder.precision,
        "preprocessing": encoder.preprocessing,
        "device": encoder.device,
        "device.name": device_name(encoder.device),
        **({schema.PSEUDONYMS: prepared.pseudonyms.key_name} if prepared.pseudonyms else {}),
        **({"model.notice": encoder.notice} if encoder.notice else {}),
        **({schema.MODEL_LINEAGE: encoder.lineage} if encoder.lineage else {}),
        **version_tags(),
        **git_tags(),
    }
    KnownPlaces(cache).note(place_of(first), place)
    return RunRecorder.begin(store, adaptation.name, f"{names} / {RECIPE} / {encoder.name}", params, tags)


def record(prepared: Prepared, adapted: Adapted, recorder: RunRecorder) -> tuple[RunResult, str]:
    """Finish a run; earlier ones of the same key are removed.

    Returns:
        The run as it would be read, and what the store did not take, in words.
    """
    store = recorder.store

    def write(folder: Path) -> None:
        _write(prepared, adapted, folder)

    trained = adapted.trained
    tags = {
        "chosen.step": str(trained.step),
        "chosen.alpha": f"{adapted.chosen.alpha:g}",
        **({"notes": "\n".join(trained.notes)} if trained.notes else {}),
    }
    history = {
        name: [row.get(name, math.nan) for row in trained.history]
        for name in dict.fromkeys(key for row in trained.history for key in row)
    }
    keys = dict(zip(history, _history_names(list(history)), strict=True))
    with run_folder(write, store.spool.folder) as folder:
        written = recorder.finish(_metrics(adapted), tags, folder, {keys[name]: history[name] for name in history})
    if not written.kept:
        with answering(store.name):
            for run in read_runs(store, prepared.adaptation.name, key=prepared.key):
                if run.run_id != recorder.run_id:
                    store.delete_run(run.run_id, run.artifact_uri)
    return written.result, written.kept


def _history_names(names: list[str]) -> list[str]:
    """Measures of datasets are those of validation; the others go by their own names."""
    own = {"step", "train_loss", "score"}
    keys = metric_keys(names)
    return [key if name in own else f"val/{key}" for name, key in zip(names, keys, strict=True)]


def _metrics(adapted: Adapted) -> dict[str, float]:
    """Means over datasets, and each dataset's metric with its interval, before, after and chosen."""
    metrics: dict[str, float] = {
        "train_images": float(adapted.trained.images),
        "train_seconds": adapted.trained.seconds,
        "trainable_parameters": float(adapted.trained.trainable_parameters),
    }
    for role, name in (("evaluate", "in_domain"), ("retention", "retention")):
        own = [outcome for outcome in adapted.outcomes if outcome.measured.role == role]
        total = sum(outcome.measured.entry.weight for outcome in own)
        for state in STATES if own else ():
            mean = sum(o.measured.entry.weight * o.estimates[state].value for o in own) / total
            metrics[name if state == CHOSEN else f"{name}_{state}"] = mean
    keys = metric_keys([outcome.measured.name for outcome in adapted.outcomes])
    for key, outcome in zip(keys, adapted.outcomes, strict=True):
        for state in STATES:
            name, estimate = f"{outcome.measured.metric}/{key}/{state}", outcome.estimates[state]
            metrics |= {name: estimate.value, f"{name}_ci_low": estimate.low, f"{name}_ci_high": estimate.high}
    return metrics


def _write(prepared: Prepared, adapted: Adapted, folder: Path) -> None:
    encoder, adaptation = prepared.encoder, prepared.adaptation
    about: dict[str, Any] = {
        "model": encoder.name,
        "model_argument": encoder.name,
        "precision": encoder.precision,
        "preprocessing": encoder.preprocessing,
        "dataset_argument": _recorded_argument(prepared, adaptation.train[0].dataset),
        "class_names": [],
        "multi_label": False,
        "adaptation": _without_paths(prepared),
        "alpha": adapted.chosen.alpha,
        "step": adapted.trained.step,
        "history": adapted.trained.history,
        "notes": adapted.trained.notes,
    }
    (folder / "config.json").write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / NETWORK).mkdir()
    write_weights(adapted.trained.weights, folder / NETWORK)
    (folder / "predictions").mkdir()
    keys = metric_keys([outcome.measured.name for outcome in adapted.outcomes])
    for key, outcome in zip(keys, adapted.outcomes, strict=True):
        for state in STATES:
            outcome.predictions[state].write(folder / "predictions" / f"{key}-{state}.parquet")
    write_rows(folder / CURVE, curve_rows(adapted.points))
    write_rows(folder / DATASETS, outcome_rows(adapted.outcomes))
    (folder / "figures").mkdir()
    figure = curve_figure(adapted.points, adapted.chosen, adaptation.retention.tolerance)
    save_png(figure, folder / "figures" / "curve.png")
    write_checksums(folder)


def _recorded_argument(prepared: Prepared, argument: str) -> str:
    dataset = prepared.datasets[argument]
    return dataset.name if dataset.pseudonyms is not None else place_names(recorded_place(argument))


def _without_paths(prepared: Prepared) -> dict[str, Any]:
    """The adaptation's file with names in place of datasets' paths."""
    names = {argument: dataset.name for argument, dataset in prepared.datasets.items()}
    content = prepared.adaptation.model_dump(mode="json")
    for entry in [*content["train"], *content["evaluate"]["datasets"], *content["retention"]["datasets"]]:
        entry["dataset"] = names[entry["dataset"]]
    return content
