"""Two metrics of counts, an object each: one is a mean over images, the other is none."""

from math import inf

import numpy as np

from workbench.plugin import FloatArray, Metric, Weighted, mean_of

_NEEDS = ("true_counts", "predicted_counts")


def _r2(counts) -> Weighted | None:
    true, predicted = counts.true_counts, counts.predicted_counts
    if np.ptp(true) == 0:
        return None  # Nothing varies that could be explained.

    def evaluate(weights: FloatArray) -> FloatArray:
        w = weights.astype(np.float64)
        total = w.sum(axis=1)
        spread = w @ true**2 - (w @ true) ** 2 / total
        # A resample in which all images have the same count has no value.
        return 1 - w @ (true - predicted) ** 2 / np.where(spread > 1e-9, spread, np.nan)

    return Weighted(evaluate)


MEAN_ABSOLUTE_ERROR = Metric(
    name="mean_absolute_error", higher_is_better=False, bounds=(0.0, inf), needs=_NEEDS,
    of=lambda counts: mean_of(np.abs(counts.true_counts - counts.predicted_counts)),
)  # fmt: skip
R2 = Metric(name="r2", bounds=(-inf, 1.0), needs=_NEEDS, of=_r2)
