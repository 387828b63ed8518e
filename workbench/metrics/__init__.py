"""Metrics with 95 % bootstrap intervals, and paired comparisons of runs on the same test items.

Pure functions of arrays are in `workbench.metrics.functional`; the modules here add intervals. Only Numpy is imported.
"""

from workbench.metrics.alignment import NotComparableError, align_items
from workbench.metrics.captions import caption_metrics
from workbench.metrics.captions_clip import clip_scores, ref_clip_scores
from workbench.metrics.classification import classification_metrics
from workbench.metrics.comparison import (
    PairedDifference,
    compare_items,
    compare_measured,
    compare_paired,
    compare_two,
)
from workbench.metrics.estimate import Estimate, flatten, is_reliable
from workbench.metrics.evaluation import estimate_metrics
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.functional import (
    CalibrationCurve,
    Ranks,
    calibration_curve,
    confusion_matrix,
    rank_positives,
    sigmoid,
    softmax,
)
from workbench.metrics.generation import cmmd, prompt_metrics
from workbench.metrics.matching import statement_metrics, winoground_metrics
from workbench.metrics.measured import Measured, measure, measure_items, measure_scores
from workbench.metrics.metric import Metric, Quantity, Weighted, mean_of
from workbench.metrics.ranks import FriedmanTest, average_ranks, friedman, nemenyi_difference
from workbench.metrics.registry import higher_is_better, metric_named, quantity_named
from workbench.metrics.retrieval import pairs_from_ids, rank_metrics, retrieval_metrics
from workbench.metrics.sign_flips import sign_flip, sign_flips
from workbench.metrics.significance import holm, mcnemar
from workbench.metrics.unseen import unseen_metrics
from workbench.metrics.wording import describe, is_evident

__all__ = [
    "CalibrationCurve",
    "Estimate",
    "Evaluator",
    "FriedmanTest",
    "Measured",
    "Metric",
    "NotComparableError",
    "PairedDifference",
    "Quantity",
    "Ranks",
    "Weighted",
    "align_items",
    "average_ranks",
    "calibration_curve",
    "caption_metrics",
    "classification_metrics",
    "clip_scores",
    "cmmd",
    "compare_items",
    "compare_measured",
    "compare_paired",
    "compare_two",
    "confusion_matrix",
    "describe",
    "estimate_metrics",
    "flatten",
    "friedman",
    "higher_is_better",
    "holm",
    "is_evident",
    "is_reliable",
    "mcnemar",
    "mean_of",
    "measure",
    "measure_items",
    "measure_scores",
    "metric_named",
    "nemenyi_difference",
    "pairs_from_ids",
    "prompt_metrics",
    "quantity_named",
    "rank_metrics",
    "rank_positives",
    "ref_clip_scores",
    "retrieval_metrics",
    "sigmoid",
    "sign_flip",
    "sign_flips",
    "softmax",
    "statement_metrics",
    "unseen_metrics",
    "winoground_metrics",
]
