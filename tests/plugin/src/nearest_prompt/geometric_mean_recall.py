"""A metric of classification alone: the geometric mean of the classes' recalls, which one lost class makes 0."""

import numpy as np

from workbench.plugin import FloatArray, Metric, Weighted


def _of(scores) -> Weighted:
    def evaluate(weights: FloatArray) -> FloatArray:
        hits, true, _ = scores.class_counts(weights)
        there = true > 0  # A class that a resample lacks has no recall.
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(there, np.log(hits / true), 0.0)
        return np.exp(logs.sum(axis=1) / there.sum(axis=1))

    return Weighted(evaluate, boundary=scores.class_boundary)


GEOMETRIC_MEAN_RECALL = Metric(
    name="geometric_mean_recall", bounds=(0.0, 1.0), unit="%", needs=("class_counts", "labels"), of=_of,
    from_counts=True, biased_under_resampling=True,
)  # fmt: skip
