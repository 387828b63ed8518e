"""Captions against references: CIDEr-D, BLEU and ROUGE-L with their bootstrap intervals."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import DataError
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics._checks import check_finite
from workbench.metrics.captions_cider import cider_d
from workbench.metrics.captions_overlap import BleuCounts, RougeL, rouge_l
from workbench.metrics.estimate import Estimate
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.functional import Values
from workbench.metrics.metric import Metric, Weighted, mean_of, share


class CaptionScores:
    """Captions with their references.

    Args:
        candidates: n captions.
        references: At least one for each.
        extra: Further scores of each image, (n,): `clip_score`, `ref_clip_score`.

    Raises:
        DataError: The lengths differ, an image has no reference, or a score is not finite.
    """

    def __init__(
        self,
        candidates: Sequence[str],
        references: Sequence[Sequence[str]],
        extra: Mapping[str, AnyArray] | None = None,
    ) -> None:
        if len(candidates) != len(references):
            raise DataError(f"captions: {len(candidates)} captions for {len(references)} sets of references.")
        bare = next(
            (i for i, item_references in enumerate(references) if not any(text.strip() for text in item_references)),
            None,
        )
        if bare is not None:
            raise DataError(f"captions: item {bare} has no reference to be compared with.")
        scores = {name: check_finite(values, name) for name, values in (extra or {}).items()}
        self.clip_scores, self.ref_clip_scores = scores.get("clip_score"), scores.get("ref_clip_score")
        self.captions, self.references = candidates, references

    @cached_property
    def cider(self) -> Values:
        """CIDEr-D of each caption."""
        return cider_d(self.captions, self.references)

    @cached_property
    def rouge(self) -> RougeL:
        """ROUGE-L of each caption."""
        return rouge_l(self.captions, self.references)

    @cached_property
    def bleu(self) -> BleuCounts:
        """BLEU as a function of item weights."""
        return BleuCounts(self.captions, self.references)


CLIP_SCORE = Metric(
    name="clip_score", of=lambda scores: mean_of(scores.clip_scores), needs=("clip_scores",), bounds=(0.0, np.inf)
)  # fmt: skip
METRICS: tuple[Metric, ...] = (
    Metric(name="cider", of=lambda scores: mean_of(scores.cider), needs=("references",), bounds=(0.0, np.inf)),
    share("bleu_1", lambda scores: Weighted(lambda weights: scores.bleu(weights, 1)), ["references"]),
    share("bleu_4", lambda scores: Weighted(scores.bleu), ["references"]),
    share("rouge_l", lambda scores: mean_of(scores.rouge.f1), ["references"]),
    share("rouge_l_coco", lambda scores: mean_of(scores.rouge.coco), ["references"]),
    CLIP_SCORE,
    Metric(
        name="ref_clip_score", of=lambda scores: mean_of(scores.ref_clip_scores), needs=("ref_clip_scores",),
        bounds=(0.0, np.inf),
    ),
)  # fmt: skip


def caption_metrics(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    groups: AnyArray | None = None,
    *,
    extra: Mapping[str, AnyArray] | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """`cider` (0..10), `bleu_1`, `bleu_4`, `rouge_l` and `rouge_l_coco` (0..1) of a caption for each image.

    Images are resampled; the document frequencies of CIDEr stay those of the whole set. `cider` is left out where there
    is one image alone.

    Args:
        candidates: n captions; an empty one is wrong, not missing.
        references: At least one for each.
        groups: (n,) groups that are resampled whole.
        extra: Further scores of each image, (n,), by name (`clip_score`, `ref_clip_score`); their means are added.
        replicates: Number of bootstrap resamples.
        seed: Seeds them.

    Raises:
        DataError: The lengths differ, or an image has no reference.
    """
    data = CaptionScores(candidates, references, extra)
    resampler = Resampler(len(candidates), groups, replicates=replicates, seed=seed)
    return estimates([Evaluator(METRICS, data)], resampler)
