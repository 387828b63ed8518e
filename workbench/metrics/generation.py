"""Generated images: do they show what their prompts say, and do they look like a reference set?"""

from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray, FloatArray, normalise
from workbench.errors import DataError
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics._checks import check_finite
from workbench.metrics.captions import CLIP_SCORE
from workbench.metrics.captions_clip import clip_scores
from workbench.metrics.estimate import Estimate
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.functional import rank_positives
from workbench.metrics.metric import Metric, Quantity, mean_of, proportion

SIGMA = 10.0
SCALE = 1000.0
_BLOCK = 2048


@dataclass(frozen=True)
class PromptScores:
    """Generated images with their prompts.

    Attributes:
        clip_scores: CLIPScore of each image with its prompt, (n,).
        nearest: Whether an image is nearest to its own prompt, bool (n,).
    """

    clip_scores: AnyArray
    nearest: AnyArray


METRICS: tuple[Metric, ...] = (
    CLIP_SCORE,
    proportion("prompt_accuracy", lambda scores: mean_of(scores.nearest), ["nearest"]),
)
DISTANCES = (
    Quantity(name="cmmd", higher_is_better=False),
    Quantity(name="cmmd_unbiased", higher_is_better=False),
)
"""Of two sets of images, without an interval."""


def prompt_metrics(
    image_features: FloatArray,
    prompt_features: FloatArray,
    prompt_of: AnyArray,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """`clip_score` (0..2.5) and `prompt_accuracy`: how often an image is nearest to its own prompt among all.

    Images are resampled by prompt: four images of one prompt are not four independent ones.

    Args:
        image_features: (n, d); normalised here.
        prompt_features: (m, d) of the m different prompts; normalised here.
        prompt_of: int64 (n,) prompt of each image.
        replicates: Number of bootstrap resamples.
        seed: Seeds them.

    Raises:
        DataError: Features hold NaN.
    """
    images, prompts = check_finite(image_features, "image features"), check_finite(prompt_features, "prompt features")
    pairs = np.column_stack([np.arange(len(images)), prompt_of])
    ranks = rank_positives(normalise(images), normalise(prompts), pairs)
    data = PromptScores(clip_scores(images, prompts[prompt_of]), ranks.best() <= 1)
    groups = prompt_of if len(np.unique(prompt_of)) < len(prompt_of) else None
    resampler = Resampler(len(images), groups, replicates=replicates, seed=seed)
    return estimates([Evaluator(METRICS, data)], resampler)


def cmmd(generated: FloatArray, reference: FloatArray, *, unbiased: bool = False) -> float:
    """CMMD, the squared maximum mean discrepancy of two sets of CLIP features; 0 for equal distributions.

    Jayasumana et al. (CVPR 2024), equation 4 with a Gaussian kernel of sigma 10, times 1000. Their published numbers
    are of the estimator whose means include each item's kernel with itself; its value falls with the number of images.
    `unbiased` leaves those terms out, and can give less than 0.

    Args:
        generated: (n, d); normalised here.
        reference: (m, d); normalised here.
        unbiased: As in the paper's equation, for sets of different or small size.

    Raises:
        DataError: Features hold NaN, or a set has fewer than two images.
    """
    for features, what in ((generated, "generated images"), (reference, "reference images")):
        check_finite(features, f"features of {what}")
        if len(features) < 2:
            raise DataError(f"CMMD: at least two {what} are needed, got {len(features)}.")
    x, y = (normalise(features).astype(np.float64) for features in (generated, reference))
    within = _mean_within(x, unbiased) + _mean_within(y, unbiased)
    return SCALE * (within - 2 * _kernel_sum(x, y) / (len(x) * len(y)))


def _mean_within(x: AnyArray, unbiased: bool) -> float:
    n = len(x)
    total = _kernel_sum(x, x)
    return (total - n) / (n * (n - 1)) if unbiased else total / n**2  # A kernel with itself is 1.


def _kernel_sum(x: AnyArray, y: AnyArray) -> float:
    total = 0.0
    for x_start in range(0, len(x), _BLOCK):
        x_block = x[x_start : x_start + _BLOCK]
        for y_start in range(0, len(y), _BLOCK):
            y_block = y[y_start : y_start + _BLOCK]
            squared = (x_block**2).sum(1)[:, None] + (y_block**2).sum(1) - 2 * x_block @ y_block.T
            total += float(np.exp(-np.maximum(squared, 0.0) / (2 * SIGMA**2)).sum())
    return total
