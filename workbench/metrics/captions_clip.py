"""CLIPScore and RefCLIPScore: captions judged by the model's own features, with or without references."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import FloatArray, normalise
from workbench.metrics._checks import check_finite
from workbench.metrics.functional import Values

WEIGHT = 2.5
PROMPT = "A photo depicts "
"""The prefix of every caption and reference when it is embedded, as in the paper."""


def clip_scores(image_features: FloatArray, text_features: FloatArray) -> Values:
    """CLIPScore of each image with its text: 2.5 max(cosine, 0), 0..2.5.

    Hessel et al. (EMNLP 2021), section 3. The constant 2.5 spreads the cosines of ViT-B/32, which seldom leave 0..0.4;
    scores of different models cannot be compared.

    Args:
        image_features: (n, d); normalised here.
        text_features: (n, d) of the captions behind `PROMPT`, or of the prompts; normalised here.

    Raises:
        DataError: Features hold NaN.
    """
    images, texts = (
        normalise(check_finite(image_features, "image features")),
        normalise(check_finite(text_features, "text features")),
    )
    return np.asarray(WEIGHT * np.maximum(np.einsum("nd,nd->n", images, texts, dtype=np.float64), 0.0))


def ref_clip_scores(
    image_features: FloatArray, text_features: FloatArray, reference_features: Sequence[FloatArray]
) -> Values:
    """RefCLIPScore of each image with its caption: harmonic mean of CLIPScore and the nearest reference's cosine.

    Hessel et al. (EMNLP 2021), section 3, equation of RefCLIP-S; negative cosines count as 0.

    Args:
        image_features: (n, d); normalised here.
        text_features: (n, d) of captions; normalised here.
        reference_features: n arrays (r, d), r at least 1; normalised here.

    Raises:
        DataError: Features hold NaN.
    """
    scores = clip_scores(image_features, text_features)
    texts = normalise(text_features).astype(np.float64)
    nearest = np.array(
        [
            max(0.0, float((normalise(check_finite(item_references, "reference features")) @ text).max()))
            for item_references, text in zip(reference_features, texts, strict=True)
        ]
    )
    total = scores + nearest
    return np.asarray(np.divide(2 * scores * nearest, total, out=np.zeros_like(total), where=total > 0))
