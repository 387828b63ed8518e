"""Texts in the order of their scores, as an answer for one image."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import AnyArray
from workbench.tasks.task import Answer


def ranked_texts(texts: Sequence[str], name: str, values: AnyArray, top: int) -> Answer:
    """The `top` best of m texts first.

    Args:
        texts: m texts.
        name: What the values are.
        values: (m,), higher for better ones.
        top: Number of texts to name.
    """
    order = np.argsort(-values, kind="stable")[:top]
    return {"texts": tuple(texts[i] for i in order), name: tuple(round(float(values[i]), 6) for i in order)}
