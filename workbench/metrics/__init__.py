"""Metrics with 95 % bootstrap intervals, and paired comparisons of runs on the same test items.

Pure functions of arrays are in `workbench.metrics.functional`; what is here puts intervals on them. Numpy is all that
is imported.
"""

from workbench.metrics.classification import classification_metrics
from workbench.metrics.comparison import (
    NotComparableError,
    PairedDifference,
    align_items,
    compare_items,
    compare_paired,
)
from workbench.metrics.estimate import Estimate, flatten, is_reliable
from workbench.metrics.functional import (
    CalibrationCurve,
    Ranks,
    calibration_curve,
    confusion_matrix,
    rank_positives,
    sigmoid,
    softmax,
)
from workbench.metrics.matching import matching_metrics, statement_metrics, winoground_metrics
from workbench.metrics.names import higher_is_better, primary_metric
from workbench.metrics.retrieval import pairs_from_ids, rank_metrics, retrieval_metrics
from workbench.metrics.significance import holm, mcnemar, sign_flip
from workbench.metrics.wording import describe

__all__ = [
    "CalibrationCurve",
    "Estimate",
    "NotComparableError",
    "PairedDifference",
    "Ranks",
    "align_items",
    "calibration_curve",
    "classification_metrics",
    "compare_items",
    "compare_paired",
    "confusion_matrix",
    "describe",
    "flatten",
    "higher_is_better",
    "holm",
    "is_reliable",
    "matching_metrics",
    "mcnemar",
    "pairs_from_ids",
    "primary_metric",
    "rank_metrics",
    "rank_positives",
    "retrieval_metrics",
    "sigmoid",
    "sign_flip",
    "softmax",
    "statement_metrics",
    "winoground_metrics",
]
