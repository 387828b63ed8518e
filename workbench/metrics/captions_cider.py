"""CIDEr-D: agreement of a caption with captions by several people, rare phrases weighing more."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from workbench.metrics.captions_tokens import tokens
from workbench.metrics.functional import Values

ORDERS = (1, 2, 3, 4)
SIGMA = 6.0
"""Width, in words, of the Gaussian that lowers the score of captions with another length than the reference's."""
_SCALE = 10.0

Phrase = tuple[str, ...]
Vector = dict[Phrase, float]


def cider_d(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> Values:
    """CIDEr-D of each caption, 0..10; its mean over a test set is the set's.

    Vedantam, Zitnick and Parikh (CVPR 2015), section 7 and equations 1 to 3: tf-idf vectors of n-grams of 1 to 4 words,
    document frequencies counted over the images' reference sets, the candidate's weights clipped at the reference's,
    times a Gaussian of the difference in length, averaged over references and orders, times 10. Words are not
    stemmed, as in the server of COCO.

    Args:
        candidates: n captions; an empty one scores 0.
        references: At least one reference for each.

    Returns:
        float64 (n,); NaN everywhere where n < 2: a single image makes every phrase common to all images.
    """
    if len(candidates) < 2:
        return np.full(len(candidates), np.nan)
    counted = [[_phrases(text) for text in item_references] for item_references in references]
    frequency = _document_frequency(counted)
    scores = []
    for candidate, item_references in zip(candidates, counted, strict=True):
        counts = _phrases(candidate)
        scores.append(
            float(
                np.mean([_similarity(counts, reference, frequency, len(candidates)) for reference in item_references])
            )
        )
    return _SCALE * np.array(scores)


def document_frequency(references: Iterable[Sequence[str]]) -> Counter[Phrase]:
    """The number of images whose captions have each phrase of 1 to 4 words."""
    return _document_frequency([_phrases(text) for text in item_references] for item_references in references)


def cider_matrix(texts: Sequence[str], frequency: Counter[Phrase], n: int) -> Values:
    """CIDEr between all pairs of texts, 0..1, without the clipping and the Gaussian of CIDEr-D.

    Vedantam et al. (CVPR 2015), equation 2, averaged over phrases of 1 to 4 words: cosines of tf-idf vectors.

    Args:
        texts: t texts.
        frequency: From `document_frequency`.
        n: Number of images that it was counted over.

    Returns:
        float64 (t, t).
    """
    counted = [_phrases(text) for text in texts]
    total = np.zeros((len(texts), len(texts)))
    for order in ORDERS:
        vectors = [_weights(phrases, order, frequency, n) for phrases in counted]
        place = {phrase: i for i, phrase in enumerate(dict.fromkeys(chain.from_iterable(vectors)))}
        table = np.zeros((len(texts), len(place)))
        for row, vector in zip(table, vectors, strict=True):
            row[[place[phrase] for phrase in vector]] = list(vector.values())
        norms = np.linalg.norm(table, axis=1, keepdims=True)
        table = np.divide(table, norms, out=np.zeros_like(table), where=norms > 0)
        total += table @ table.T
    return total / len(ORDERS)


def _document_frequency(counted: Iterable[Sequence[Counter[Phrase]]]) -> Counter[Phrase]:
    frequency: Counter[Phrase] = Counter()
    for item_references in counted:
        frequency.update(set(chain.from_iterable(item_references)))
    return frequency


def _phrases(text: str) -> Counter[Phrase]:
    words = tokens(text)
    return Counter(tuple(words[i : i + n]) for n in ORDERS for i in range(len(words) - n + 1))


def _similarity(candidate: Counter[Phrase], reference: Counter[Phrase], frequency: Counter[Phrase], n: int) -> float:
    lengths = [sum(count for phrase, count in counts.items() if len(phrase) == 1) for counts in (candidate, reference)]
    gaussian = math.exp(-((lengths[0] - lengths[1]) ** 2) / (2 * SIGMA**2))
    total = 0.0
    for order in ORDERS:
        a, b = (_weights(counts, order, frequency, n) for counts in (candidate, reference))
        norms = _norm(a) * _norm(b)
        if norms > 0:
            total += sum(min(weight, b[phrase]) * b[phrase] for phrase, weight in a.items() if phrase in b) / norms
    return gaussian * total / len(ORDERS)


def _weights(counts: Counter[Phrase], order: int, frequency: Counter[Phrase], n: int) -> Vector:
    """Counts times the logarithm of images over images that have the phrase; a phrase of no image counts as of one."""
    return {
        phrase: count * math.log(n / max(1, frequency[phrase]))
        for phrase, count in counts.items()
        if len(phrase) == order
    }


def _norm(vector: Vector) -> float:
    return math.sqrt(sum(weight**2 for weight in vector.values()))
