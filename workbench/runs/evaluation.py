"""What a fitted predictor says about the test split, and how good that is."""

import time
from dataclasses import dataclass

import numpy as np

from workbench.arrays import IntArray
from workbench.errors import RecipeError
from workbench.metrics import Estimate, classification_metrics
from workbench.metrics.unseen import unseen_metrics
from workbench.recipes import Captioner, DualEncoderPredictor, Fitted, PairScorer, Predictor
from workbench.runs.bench import Bench, SplitRows
from workbench.runs.caption_evaluation import predict_captions
from workbench.runs.joint_bench import JointBench
from workbench.runs.joint_evaluation import predict_joint
from workbench.runs.predictions import JointPredictions, Predictions


@dataclass(frozen=True)
class Evaluation:
    """The result of a run, before it is recorded.

    Attributes:
        predictions: Scores of the test items with ids, groups and labels.
        estimates: Metrics with their intervals.
        counts: Numbers without interval: images of each split, seconds.
    """

    predictions: Predictions | JointPredictions
    estimates: dict[str, Estimate]
    counts: dict[str, float]


def evaluate(predictor: Fitted, bench: Bench, rows: SplitRows, recipe: str) -> Evaluation:
    """Ask a fitted predictor about the test split and compute every metric from its answer.

    It scores test images, or embeds test images and texts, and is told neither labels nor what belongs together.

    Args:
        predictor: Fitted on the train and validation rows.
        bench: Dataset and model.
        rows: The run's readable rows.
        recipe: Named in errors.

    Raises:
        RecipeError: The scores do not have a row for each test image and a column for each class; an embedding is
            missing, not finite, or of another width than the rest.
        DataError: The test split has nothing to ask.
    """
    dataset = bench.dataset
    started = time.perf_counter()
    if isinstance(bench, JointBench):
        asked = _asked(predictor, bench, rows.test, recipe)
        counts = {**_counts(predictor, bench, rows, time.perf_counter() - started), **asked.chance()}
        return Evaluation(asked, asked.metrics(), counts)
    if not isinstance(predictor, Predictor):
        raise RecipeError(f"recipe {recipe!r} gave a {type(predictor).__name__}, expected a Predictor.")
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
        class_keys=dataset.class_keys,
        unseen=tuple(dataset.unseen_classes.tolist()),
    )
    estimates = classification_metrics(
        scores,
        dataset.labels(rows.test),
        predictions.group_codes,
        multi_label=dataset.card.multi_label,
        label_names=dataset.class_names if dataset.card.multi_label else None,
    )
    if len(dataset.unseen_classes):
        labels, groups = dataset.labels(rows.test), predictions.group_codes
        estimates |= unseen_metrics(scores, labels, dataset.unseen_classes, groups)
    return Evaluation(predictions, estimates, _counts(predictor, bench, rows, predict_seconds))


def _asked(predictor: Fitted, bench: JointBench, rows: IntArray, recipe: str) -> JointPredictions:
    if bench.dataset.card.task == "captioning":
        if isinstance(predictor, Captioner):
            return predict_captions(predictor, bench, rows, recipe)
        raise RecipeError(f"recipe {recipe!r} gave a {type(predictor).__name__}, expected a Captioner.")
    if isinstance(predictor, DualEncoderPredictor | PairScorer):
        return predict_joint(predictor, bench, rows, recipe)
    raise RecipeError(
        f"recipe {recipe!r} gave a {type(predictor).__name__}, expected a DualEncoderPredictor or PairScorer."
    )


def _counts(predictor: Fitted, bench: Bench, rows: SplitRows, predict_seconds: float) -> dict[str, float]:
    return {
        "train_images": len(rows.train),
        "val_images": len(rows.val),
        "test_images": len(rows.test),
        "unreadable_images": len(rows.unreadable),
        "trainable_parameters": predictor.report.trainable_parameters,
        "predict_seconds": predict_seconds,
        "extract_seconds": bench.extract_seconds,
    }
