"""Accuracy on frequent and on rare classes: means over the classes of many, some and few training images.

Liu et al., "Large-Scale Long-Tailed Recognition in an Open World" (CVPR 2019), call classes of more than 100 training
images many-shot, of 20 to 100 medium-shot, and of fewer than 20 few-shot.
"""

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import functional as F
from workbench.metrics.class_scores import number_behind_class_means
from workbench.metrics.metric import Metric, Weighted, proportion

NAME = "frequency_accuracy"
BANDS = ("head", "middle", "tail")
CUTS = (20, 100)
"""A class of fewer training images is of the tail, one of more than the second number of the head."""


def bands_of(counts: AnyArray, cuts: tuple[int, int] = CUTS) -> tuple[str, ...]:
    """The band of each class of int64 (c,) training images."""
    few, many = cuts
    return tuple("tail" if count < few else "head" if count > many else "middle" for count in counts)


class FrequencyHits:
    """Whether images are right, by the band of their class.

    Args:
        right: bool (n,).
        labels: int64 (n,).
        bands: The band of each class, c.
    """

    def __init__(self, right: AnyArray, labels: AnyArray, bands: tuple[str, ...]) -> None:
        self.class_bands = np.array(bands)
        self.band_labels = np.asarray(labels, np.int64)
        self.band_hits = np.asarray(right, np.bool_)


def _frequency_accuracy(images: FrequencyHits) -> Weighted:
    count = len(images.class_bands)
    true = F.ClassSums(images.band_labels, count)
    hits = F.ClassSums(images.band_labels, count, among=images.band_hits)
    inside = [images.class_bands == band for band in BANDS]
    sizes = np.bincount(images.band_labels, minlength=count)

    def parts(weights: FloatArray) -> F.Values:
        recalls = F.ratio(hits(weights), true(weights))
        return np.stack([F.mean_of_defined(recalls[:, band]) for band in inside], axis=1)

    return Weighted(parts=parts, part_boundaries=[max(1.0, number_behind_class_means(sizes[band])) for band in inside])


METRICS: tuple[Metric, ...] = (
    proportion(
        NAME, _frequency_accuracy, ["class_bands", "band_hits"], part_names=BANDS,
        biased_under_resampling=True, only_on_request=True,
    ),
)  # fmt: skip
