"""Items of retrieval, matching, grounding and captioning that a run does worst on."""

from dataclasses import dataclass

import numpy as np

from workbench.metrics.captions_cider import cider_d
from workbench.runs.predictions import DIRECTIONS, JointPredictions, RankedQueries, ScoredChoices, WrittenCaptions


@dataclass(frozen=True)
class Failure:
    """An item, and what went wrong with it.

    Attributes:
        image: Image id, or None where the item is a text.
        text: The item's text, or what was written about the image.
        kind: Kind of the item: of change, of instruction, or the direction of a query.
        what: What went wrong, in words.
    """

    image: str | None
    text: str
    kind: str
    what: str


def failures(predictions: JointPredictions) -> list[Failure]:
    """Items that went wrong, the worst first; of captions all, those least like their references first."""
    if isinstance(predictions, RankedQueries):
        return _late(predictions)
    if isinstance(predictions, ScoredChoices):
        return _wrong(predictions)
    return _unlike(predictions) if isinstance(predictions, WrittenCaptions) else []


def _late(run: RankedQueries) -> list[Failure]:
    best = np.array([min(own) for own in run.ranks])
    return [
        Failure(
            image=run.ids[i] if run.direction[i] == DIRECTIONS[0] else None,
            text="" if run.direction[i] == DIRECTIONS[0] else run.ids[i],
            kind=run.direction[i],
            what=f"the first right item stands at {best[i]} of {run.gallery[run.direction[i]]}",
        )
        for i in np.argsort(-best, kind="stable")
        if best[i] > 1
    ]


def _wrong(run: ScoredChoices) -> list[Failure]:
    hits = run.terms()["group_score" if run.form == "pairs" else "accuracy"]().values
    found = [(*_margin(run, int(i)), int(i)) for i in np.flatnonzero(~np.asarray(hits, dtype=np.bool_))]
    found.sort(key=lambda each: -each[0])
    return [Failure(run.images[i], run.texts[i], run.kinds[i], what) for _, what, i in found]


def _margin(run: ScoredChoices, i: int) -> tuple[float, str]:
    """By how much an item went wrong, and how."""
    scores, right = run.scores[i], run.right[i]
    if run.form == "statement":
        return abs(float(scores[0])), f"{'true' if right[0] else 'false'}, scored {scores[0]:+.2f}"
    if run.form == "pairs":
        # Image 0 with both texts, then image 1; right are those of equal index.
        margin = float(max(scores[1], scores[2]) - min(scores[0], scores[3]))
        return margin, f"an exchanged pair scores {margin:+.2f} above a right one"
    margin = float(np.max(scores[~right]) - np.max(scores[right]))
    return margin, f"a wrong one of {len(scores)} candidates scores {margin:+.2f} above the right one"


def _unlike(run: WrittenCaptions) -> list[Failure]:
    scores = cider_d(run.captions, run.references)
    return [
        Failure(run.ids[i], run.captions[i], "", f"CIDEr-D {scores[i]:.2f}; a reference: {run.references[i][0]}")
        for i in np.argsort(scores, kind="stable")
    ]
