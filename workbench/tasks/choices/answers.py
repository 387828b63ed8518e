"""The candidates of an item of matching or grounding, with their scores, for people to look at."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import softmax
from workbench.tasks.examples import ScoredAnswer

if TYPE_CHECKING:
    from workbench.tasks.grounding.items import Box


def candidate_answers(
    scores: FloatArray, is_correct: AnyArray, texts: Sequence[str], boxes: "Sequence[Box] | None" = None
) -> list[ScoredAnswer]:
    """The candidates, those of the highest scores first; shares are the softmax over them.

    Args:
        scores: Logits (k,).
        is_correct: bool (k,).
        texts: Each candidate in words.
        boxes: Each candidate's box, in grounding.
    """
    shares = softmax(np.asarray(scores, np.float64)[None])[0]
    order = np.argsort(-np.asarray(scores), kind="stable").tolist()
    return [
        ScoredAnswer(
            texts[k], float(scores[k]), float(shares[k]), bool(is_correct[k]), k == order[0],
            box=None if boxes is None else boxes[k],
        )
        for k in order
    ]  # fmt: skip


def pair_answers(scores: FloatArray, images: Sequence[str | None], texts: Sequence[str]) -> list[ScoredAnswer]:
    """Each image of a pair with both texts; chosen is the text that the image scores higher.

    Args:
        scores: (4,), image 0 with both texts, then image 1.
        images: Both ids.
        texts: The text of each image.
    """
    table = np.asarray(scores).reshape(2, 2)
    return [
        ScoredAnswer(
            texts[j], float(table[i, j]), is_right=i == j, is_chosen=j == int(table[i].argmax()), image=images[i]
        )
        for i in range(2)
        for j in range(2)
    ]


def number_of(item: str) -> int:
    """The number of an item among those of its image, from 0: its id ends with `#1`, `#2`, ... (see `ItemNames`)."""
    return int(item.rpartition("#")[2]) - 1
