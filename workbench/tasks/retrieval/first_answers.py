"""The first answers to every query, which ranks alone do not show."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import functional as F
from workbench.tasks.examples import ScoredAnswer

_FIRST = 5


def first_answers(
    queries: FloatArray, gallery: FloatArray, positives: AnyArray, names: Sequence[str], *, images: bool
) -> list[list[ScoredAnswer]]:
    """The five best answers of each query that has a right one, and behind them the best right one if it is later.

    Args:
        queries: (n, d), unit rows.
        gallery: (m, d), unit rows.
        positives: int64 (p, 2), pairs (query, gallery item) that belong together.
        names: Of the gallery's items: image ids, or texts.
        images: Whether the gallery's items are images.
    """
    asked, starts = np.unique(positives[:, 0], return_index=True)
    right_of = dict(zip(asked.tolist(), np.split(positives[:, 1], starts[1:]), strict=True)) if len(asked) else {}
    scores, items = F.top_k(queries[asked], gallery, _FIRST)
    return [
        _answers(queries[query] @ gallery[right_of[query]].T, right_of[query], own_scores, own_items, names, images)
        for query, own_scores, own_items in zip(asked.tolist(), scores, items, strict=True)
    ]


def _answers(
    right_scores: FloatArray, right: AnyArray, scores: FloatArray, items: AnyArray, names: Sequence[str], images: bool
) -> list[ScoredAnswer]:
    found = list(zip(items.tolist(), scores.tolist(), strict=True))
    if not np.isin(items, right).any():
        best = int(right_scores.argmax())
        found.append((int(right[best]), float(right_scores[best])))
    true = set(right.tolist())
    return [
        ScoredAnswer(
            names[item], score, is_right=item in true, is_chosen=place == 0, image=names[item] if images else None
        )
        for place, (item, score) in enumerate(found)
    ]
