"""A threshold for each of several labels an image, chosen on validation images.

A label is present from the score on that has the greatest Matthews correlation on validation images. It is the measure
in which Tiu et al. compare a model with radiologists ("Expert-level detection of pathologies from unannotated chest
X-ray images via self-supervised learning", Nature Biomedical Engineering 2022).
"""

import numpy as np

from workbench.plugin import AnyArray, FloatArray, choose_threshold

_LEAST = 1  # Images with a label, and without it, that a threshold is chosen on.


def label_thresholds(scores: AnyArray, labels: AnyArray, otherwise: float | None) -> tuple[FloatArray, list[int]]:
    """Choose a threshold of the scores of each label.

    Args:
        scores: (n, c), higher where a label is likelier.
        labels: bool (n, c), or floating with NaN where it is not known whether an image has the label.
        otherwise: The threshold of a label that nothing can be chosen for; None takes the median of the others.

    Returns:
        float32 (c,), finite, and the labels that nothing could be chosen for: no image has it, none lacks it, or no
        threshold is better than chance.
    """
    truth = np.asarray(labels, dtype=np.float64)
    chosen = np.full(scores.shape[1], np.nan)
    for label in range(scores.shape[1]):
        known = ~np.isnan(truth[:, label])
        positive = truth[known, label] > 0
        if min(positive.sum(), (~positive).sum()) >= _LEAST:
            threshold = choose_threshold("mcc", scores[known, label], positive)
            chosen[label] = threshold if np.isfinite(threshold) else np.nan
    undecided = np.flatnonzero(np.isnan(chosen))
    if otherwise is None:
        otherwise = float(np.nanmedian(chosen)) if len(undecided) < len(chosen) else 0.0
    chosen[undecided] = otherwise
    return chosen.astype(np.float32), undecided.tolist()
