"""Texts as sequences of embedded phrases."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.plugin import AnyArray, FloatArray, TaskModel

# Thai, Lao, Burmese, Khmer, kana and Chinese characters.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True)
class Phrases:
    """The phrases of m texts.

    Attributes:
        sentences: float32 (m, d), embeddings of the whole texts, not normalised.
        embedded: float32 (k, d), of the different phrases.
        members: int64 (m, most), the phrases of each text in their order; filled up with -1.
    """

    sentences: FloatArray
    embedded: FloatArray
    members: AnyArray


def embed_phrases(model: TaskModel, texts: Sequence[str], words: int | None) -> Phrases:
    """Embed texts and their phrases.

    Args:
        model: Embeds them.
        texts: m texts.
        words: Words in a phrase; None takes each text as one phrase.
    """
    sentences = model.encode_texts(texts)
    if words is None:
        return Phrases(sentences, sentences, np.arange(len(texts))[:, None])
    number: dict[str, int] = {}
    phrases_of_texts = [[number.setdefault(phrase, len(number)) for phrase in windows(text, words)] for text in texts]
    members = np.full((len(texts), max(map(len, phrases_of_texts), default=1)), -1, dtype=np.int64)
    for row, numbers in zip(members, phrases_of_texts, strict=True):
        row[: len(numbers)] = numbers
    return Phrases(sentences, model.encode_texts(list(number)), members)


def windows(text: str, words: int) -> list[str]:
    """All runs of `words` words; of a script that does not part words, all runs of twice as many characters."""
    units, size, between = text.split(), words, " "
    letters = "".join(units)
    if 2 * len(_UNSPACED.findall(letters)) > len(letters):
        units, size, between = list(letters), 2 * words, ""
    return [between.join(units[i : i + size]) for i in range(max(1, len(units) - size + 1))]
