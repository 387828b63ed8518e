"""Metrics as pure functions of numpy arrays; most take many weight vectors at a time (see `_weights`)."""

from workbench.metrics.functional._weights import (
    ClassSums,
    Values,
    mean_of_defined,
    ones,
    ratio,
    weighted_means,
    weighted_median,
)
from workbench.metrics.functional.calibration import (
    BinSums,
    CalibrationCurve,
    calibration_curve,
    calibration_error,
    equal_mass_bins,
)
from workbench.metrics.functional.classification import (
    ClassCounts,
    balanced_accuracy,
    binary_nll_terms,
    brier_terms,
    confusion_matrix,
    in_top_k,
    log_odds,
    macro_f1,
    matthews_correlation,
    mean_of_known,
    micro_f1,
    nll_terms,
    quadratic_kappa,
    relative_logits,
    sigmoid,
    softmax,
)
from workbench.metrics.functional.equal import first_equal
from workbench.metrics.functional.label_errors import suspect_labels, suspects_by_noise_rate
from workbench.metrics.functional.matching import picks_right, winoground
from workbench.metrics.functional.ranking import EXACT_PAIRS, Ranking, auroc, average_precision
from workbench.metrics.functional.retrieval import Ranks, rank_positives, top_k

__all__ = [
    "EXACT_PAIRS",
    "BinSums",
    "CalibrationCurve",
    "ClassCounts",
    "ClassSums",
    "Ranking",
    "Ranks",
    "Values",
    "auroc",
    "average_precision",
    "balanced_accuracy",
    "binary_nll_terms",
    "brier_terms",
    "calibration_curve",
    "calibration_error",
    "confusion_matrix",
    "equal_mass_bins",
    "first_equal",
    "in_top_k",
    "log_odds",
    "macro_f1",
    "matthews_correlation",
    "mean_of_defined",
    "mean_of_known",
    "micro_f1",
    "nll_terms",
    "ones",
    "picks_right",
    "quadratic_kappa",
    "rank_positives",
    "ratio",
    "relative_logits",
    "sigmoid",
    "softmax",
    "suspect_labels",
    "suspects_by_noise_rate",
    "top_k",
    "weighted_means",
    "weighted_median",
    "winoground",
]
