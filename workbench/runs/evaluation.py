"""Predict the test split with a fitted predictor, and compute the metrics."""

import time
from dataclasses import dataclass

from workbench.metrics import Estimate
from workbench.recipes import Fitted
from workbench.runs.planned import PlannedRun
from workbench.tasks import Predictions, SplitRows


@dataclass(frozen=True)
class Evaluation:
    """The result of a run, before it is recorded.

    Attributes:
        predictions: Of the test items.
        estimates: Metrics with their intervals.
        counts: Numbers without interval: images of each split, seconds, chance levels.
    """

    predictions: Predictions
    estimates: dict[str, Estimate]
    counts: dict[str, float]


def evaluate(planned: PlannedRun, predictor: Fitted, rows: SplitRows) -> Evaluation:
    """Predict the test split and compute every metric.

    The predictor gets neither labels nor pairs.

    Args:
        planned: The run.
        predictor: Fitted on the train and validation rows.
        rows: The run's readable rows.

    Raises:
        RecipeError: The predictor's answer does not fit the task.
        DataError: The test split has no item.
    """
    started = time.perf_counter()
    predictions = planned.task.predict(predictor, rows.test, planned.spec.recipe)
    counts = {
        "train_images": len(rows.train),
        "val_images": len(rows.val),
        "test_images": len(rows.test),
        "unreadable_images": len(rows.unreadable),
        "trainable_parameters": predictor.report.trainable_parameters,
        "predict_seconds": time.perf_counter() - started,
        "extract_seconds": planned.data.extract_seconds,
        **predictions.chance(),
        **predictions.stability(),
        **predictions.tests(planned.data.dataset.card.run_metrics),
        **({"unlabelled_images": len(rows.unlabelled)} if planned.spec.unlabelled else {}),
    }
    return Evaluation(predictions, predictions.estimates(planned.data.dataset.card.run_metrics), counts)
