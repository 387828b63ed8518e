"""What a run leaves behind besides numbers."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.runs.bench import Bench, SplitRows
from workbench.runs.planning import Cell
from workbench.runs.predictions import JointPredictions, Predictions, write_predictions
from workbench.tracking import schema
from workbench.tracking.checksums import write_checksums

if TYPE_CHECKING:
    from workbench.recipes import Fitted

PREDICTOR = "predictor"


def write_artifacts(
    folder: Path,
    cell: Cell,
    bench: Bench,
    rows: SplitRows,
    predictions: Predictions | JointPredictions,
    predictor: "Fitted",
    figures: bool,
) -> None:
    """Write predictions, card, settings, figures and weights into a folder, and their checksums."""
    if isinstance(predictions, JointPredictions):
        predictions.write(folder / schema.PREDICTIONS)
    else:
        write_predictions(predictions, folder / schema.PREDICTIONS)
    (folder / "card.toml").write_text(bench.card_toml, encoding="utf-8")
    settings = {**describe(cell, bench, rows), "report": _report(predictor)}
    (folder / "config.json").write_text(json.dumps(settings, indent=1, ensure_ascii=False), encoding="utf-8")
    weights = folder / PREDICTOR
    weights.mkdir()
    try:
        predictor.save(weights)
    except NotImplementedError:
        weights.rmdir()
    if figures and not isinstance(predictions, JointPredictions):
        _figures(folder / "figures", predictions)
    write_checksums(folder)


def describe(cell: Cell, bench: Bench, rows: SplitRows) -> dict[str, Any]:
    """A run's inputs in words."""
    dataset = bench.dataset
    return {
        "model": cell.model,
        "model_argument": bench.encoder.name,
        "precision": bench.encoder.precision,
        "dataset": dataset.name,
        "dataset_argument": cell.dataset,
        "language": dataset.card.language,
        "class_names": list(dataset.class_names),
        "multi_label": dataset.card.multi_label,
        "recipe": cell.recipe,
        "config": cell.config.model_dump(mode="json"),
        "shots": cell.shots_text,
        "seed": cell.seed,
        "images": {"train": len(rows.train), "val": len(rows.val), "test": len(rows.test)},
        "unreadable": {dataset.ids([row])[0]: bench.unreadable[row] for row in rows.unreadable},
        "notes": [*dataset.notes, *bench.notes(rows)],
    }


def _report(predictor: "Fitted") -> dict[str, Any]:
    report = predictor.report
    return {
        "chosen": report.chosen,
        "trials": report.trials,
        "history": report.history,
        "trainable_parameters": report.trainable_parameters,
        "notes": list(report.notes),
        "scale": predictor.scale,
    }


def _figures(folder: Path, predictions: Predictions) -> None:
    from workbench.reports import confusion_matrix_figure, reliability_figure, save_png

    if predictions.labels is None or predictions.labels.ndim != 1:
        return
    folder.mkdir()
    predicted = np.argmax(predictions.scores, axis=1)
    matrix = confusion_matrix_figure(predictions.labels, predicted, predictions.class_names)
    save_png(matrix, folder / "confusion_matrix.png")
    save_png(reliability_figure(predictions.scores, predictions.labels), folder / "reliability.png")
