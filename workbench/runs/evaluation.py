"""What a fitted predictor says about the test split, and how good that is."""

import time
from dataclasses import dataclass

import numpy as np

from workbench.errors import RecipeError
from workbench.metrics import Estimate, classification_metrics
from workbench.recipes import Predictor
from workbench.runs.bench import Bench, SplitRows
from workbench.runs.predictions import Predictions


@dataclass(frozen=True)
class Evaluation:
    """The result of a run, before it is recorded.

    Attributes:
        predictions: Scores of the test items with ids, groups and labels.
        estimates: Metrics with their intervals.
        counts: Numbers without interval: images of each split, seconds.
    """

    predictions: Predictions
    estimates: dict[str, Estimate]
    counts: dict[str, float]


def evaluate(predictor: Predictor, bench: Bench, rows: SplitRows, recipe: str) -> Evaluation:
    """Ask a fitted predictor for scores of the test images, without labels, and compute every metric from them.

    Args:
        predictor: Fitted on the train and validation rows.
        bench: Dataset and model.
        rows: The run's readable rows.
        recipe: Named in errors.

    Raises:
        RecipeError: The scores do not have a row for each test image and a column for each class.
    """
    dataset = bench.dataset
    started = time.perf_counter()
    scores = np.asarray(predictor.scores(bench.images(rows.test)), dtype=np.float32)
    predict_seconds = time.perf_counter() - started
    shape = (len(rows.test), len(dataset.class_names))
    if scores.shape != shape:
        raise RecipeError(
            f"recipe {recipe!r} gave scores of shape {scores.shape}, expected {shape} (test images, classes)."
        )
    predictions = Predictions(
        ids=dataset.ids(rows.test),
        groups=dataset.group_names(rows.test),
        labels=dataset.labels(rows.test),
        scores=scores,
        class_names=dataset.class_names,
    )
    estimates = classification_metrics(
        scores,
        dataset.labels(rows.test),
        predictions.group_codes,
        multi_label=dataset.card.multi_label,
        label_names=dataset.class_names if dataset.card.multi_label else None,
    )
    counts = {
        "train_images": len(rows.train),
        "val_images": len(rows.val),
        "test_images": len(rows.test),
        "unreadable_images": len(bench.unreadable),
        "trainable_parameters": predictor.report.trainable_parameters,
        "predict_seconds": predict_seconds,
        "extract_seconds": bench.extract_seconds,
    }
    return Evaluation(predictions, estimates, counts)
