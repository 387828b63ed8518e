"""Captions against references: CIDEr-D, BLEU and ROUGE-L with their bootstrap intervals."""

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics._checks import check_finite
from workbench.metrics.captions_cider import cider_d
from workbench.metrics.captions_overlap import BleuCounts, rouge_l
from workbench.metrics.estimate import Estimate
from workbench.metrics.functional import Values, weighted_means


def caption_metrics(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    groups: AnyArray | None = None,
    *,
    extra: Mapping[str, AnyArray] | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """`cider` (0..10), `bleu_1`, `bleu_4` and `rouge_l` (0..1) of a caption for each image.

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
    if len(candidates) != len(references):
        raise DataError(f"captions: {len(candidates)} captions for {len(references)} sets of references.")
    bare = next((i for i, own in enumerate(references) if not any(text.strip() for text in own)), None)
    if bare is not None:
        raise DataError(f"captions: item {bare} has no reference to be compared with.")
    resampler = Resampler(len(candidates), groups, replicates=replicates, seed=seed)
    means = {"cider": cider_d(candidates, references), "rouge_l": rouge_l(candidates, references)}
    means |= {name: check_finite(values, name) for name, values in (extra or {}).items()}
    table, bleu = np.column_stack(list(means.values())), BleuCounts(candidates, references)

    def evaluate(weights: FloatArray) -> dict[str, Values]:
        found = dict(zip(means, weighted_means(table, weights).T, strict=True))
        return {**found, "bleu_1": bleu(weights, 1), "bleu_4": bleu(weights)}

    return estimates([evaluate], resampler, terms=means)
