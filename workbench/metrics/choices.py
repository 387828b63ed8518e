"""Accuracy where the best of several candidates is picked: matching with texts, grounding with boxes."""

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import DataError
from workbench.metrics import functional as F
from workbench.metrics._checks import check_finite
from workbench.metrics.estimate import Estimate
from workbench.metrics.keys import accuracy_parts
from workbench.metrics.matching import hit_rate


def choice_metrics(
    scores: AnyArray,
    is_correct: AnyArray,
    starts: AnyArray,
    groups: AnyArray | None = None,
    *,
    categories: AnyArray | None = None,
    by_candidates: bool = False,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """How often a right candidate beats every wrong one: `accuracy`, and `accuracy/KIND` for each kind of item.

    A tie is wrong.

    Args:
        scores: (p,), candidates of item after item.
        is_correct: bool (p,); an item may have several right candidates, and needs a right and a wrong one.
        starts: int64 (items,), where each item's candidates begin.
        groups: (items,) groups that are resampled whole.
        categories: (items,) kind of each item; empty texts are no kind. KIND is as `metric_keys` makes it.
        by_candidates: `accuracy/N_candidates`, too, for each number of candidates.
        replicates: Number of bootstrap resamples.
        seed: Seeds them.

    Raises:
        DataError: NaN, or an item without a right or without a wrong candidate.
    """
    values, truth = check_finite(scores, "scores"), np.asarray(is_correct, dtype=np.bool_)
    counts = np.diff(starts, append=len(values))
    of_right = np.add.reduceat(truth.astype(np.int64), starts)
    bad = np.flatnonzero((of_right == 0) | (of_right == counts))
    if len(bad):
        what = "right" if of_right[bad[0]] == 0 else "wrong"
        raise DataError(f"scores: item {bad[0]} has no {what} candidate, so there is nothing to choose.")
    hits = F.picks_right(values, truth, starts)
    parts = {"accuracy": np.ones(len(hits), dtype=np.bool_)}
    parts |= accuracy_parts(categories, counts if by_candidates else None)
    return {
        name: hit_rate(hits[inside], None if groups is None else np.asarray(groups)[inside], replicates, seed)
        for name, inside in parts.items()
    }
