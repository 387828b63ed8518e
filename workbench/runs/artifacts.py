"""The files that a run leaves: predictions, card, settings, figures and weights."""

import json
from pathlib import Path
from typing import Any

from workbench.datasets import Dataset
from workbench.recipes import Fitted
from workbench.runs.planned import PlannedRun
from workbench.tasks import Predictions, SplitRows
from workbench.tracking import schema
from workbench.tracking.checksums import write_checksums

PREDICTOR = "predictor"


def write_artifacts(
    folder: Path, planned: PlannedRun, rows: SplitRows, predictions: Predictions, predictor: Fitted, figures: bool
) -> None:
    """Write predictions, card, settings, figures and weights into a folder, and their checksums."""
    predictions.write(folder / schema.PREDICTIONS)
    (folder / "card.toml").write_text(planned.data.card_toml, encoding="utf-8")
    settings = {**describe(planned, rows), "report": _report(predictor, planned.data.dataset)}
    (folder / "config.json").write_text(json.dumps(settings, indent=1, ensure_ascii=False), encoding="utf-8")
    weights = folder / PREDICTOR
    weights.mkdir()
    try:
        predictor.save(weights)
    except NotImplementedError:
        weights.rmdir()
    if figures:
        planned.task.figures(predictions, folder / "figures")
    write_checksums(folder)


def describe(planned: PlannedRun, rows: SplitRows) -> dict[str, Any]:
    """A run's inputs, for `config.json`."""
    spec, data = planned.spec, planned.data
    dataset, unreadable, trained_on = data.dataset, rows.unreadable, planned.trained_on
    return {
        "model": spec.model,
        "model_argument": data.encoder.name,
        "precision": data.encoder.precision,
        "preprocessing": data.encoder.preprocessing,
        "dataset": dataset.name,
        "dataset_argument": planned.dataset_argument,
        **(
            {} if trained_on is None else {"trained_on": trained_on.name, "classes_of_source": dict(trained_on.classes)}
        ),
        "language": dataset.card.language,
        "class_names": list(dataset.class_names),
        "multi_label": dataset.card.multi_label,
        "recipe": spec.recipe,
        "config": spec.config.model_dump(mode="json"),
        "shots": spec.shots_text,
        "seed": spec.seed,
        "images": {
            "train": len(rows.train),
            "val": len(rows.val),
            "test": len(rows.test),
            **({"unlabelled": len(rows.unlabelled)} if spec.unlabelled else {}),
        },
        "unreadable": dict(
            zip(dataset.ids(unreadable), dataset.shown_texts([data.unreadable[row] for row in unreadable]), strict=True)
        ),
        "notes": [
            *(() if trained_on is None else dataset.shown_texts(trained_on.notes)),
            *dataset.notes,
            *data.duplicate_notes,
            *dataset.shown_texts(planned.task.notes(rows)),
        ],
    }


def _report(predictor: Fitted, dataset: Dataset) -> dict[str, Any]:
    report = predictor.report
    return {
        "chosen": report.chosen,
        "trials": report.trials,
        "history": report.history,
        "trainable_parameters": report.trainable_parameters,
        "notes": list(dataset.shown_texts(report.notes)),
        "scale": predictor.scale,
    }
