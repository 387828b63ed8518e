"""Retrieval metrics in both directions with their bootstrap intervals."""

from functools import partial

import numpy as np

from workbench.arrays import AnyArray, FloatArray, normalise
from workbench.errors import DataError
from workbench.metrics import functional as F
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics._checks import check_finite
from workbench.metrics.estimate import Estimate
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.metric import Metric, Weighted, mean_of, proportion, share

DIRECTIONS = ("text_to_image", "image_to_text")
RECALL_AT = (1, 5, 10)


class DirectedRanks:
    """Ranks of the queries of one direction.

    Args:
        ranks: From `functional.rank_positives`.
        direction: `text_to_image` or `image_to_text`; has the ranks under its name.
    """

    def __init__(self, ranks: F.Ranks, direction: str) -> None:
        setattr(self, direction, ranks)


def _recall(direction: str, k: int, data: DirectedRanks) -> Weighted:
    return mean_of(getattr(data, direction).best() <= k)


def _map(direction: str, data: DirectedRanks) -> Weighted:
    return mean_of(getattr(data, direction).average_precision())


def _ndcg(direction: str, data: DirectedRanks) -> Weighted:
    return mean_of(getattr(data, direction).ndcg())


def _median_rank(direction: str, data: DirectedRanks) -> Weighted:
    best = getattr(data, direction).best()
    return Weighted(lambda weights: F.weighted_median(best, weights))


def _of_direction(direction: str) -> tuple[Metric, ...]:
    needs = [direction]
    return (
        *(proportion(f"{direction}_recall_at_{k}", partial(_recall, direction, k), needs) for k in RECALL_AT),
        Metric(
            name=f"{direction}_median_rank", of=partial(_median_rank, direction), needs=(direction,),
            higher_is_better=False, bounds=(1.0, np.inf), unit="rank",
        ),
        share(f"{direction}_map", partial(_map, direction), needs),
        share(f"{direction}_ndcg", partial(_ndcg, direction), needs),
    )  # fmt: skip


METRICS: tuple[Metric, ...] = tuple(metric for direction in DIRECTIONS for metric in _of_direction(direction))


def pairs_from_ids(image_ids: AnyArray, text_ids: AnyArray) -> AnyArray:
    """All pairs (image, text) with equal ids, int64 (p, 2).

    Give identical texts one id: otherwise the copy that belongs to another image counts as wrong.

    Args:
        image_ids: (n,), integers or strings.
        text_ids: (m,).
    """
    order = np.argsort(text_ids, kind="stable")
    ordered = np.asarray(text_ids)[order]
    low, high = (np.searchsorted(ordered, image_ids, side=side) for side in ("left", "right"))
    images = np.repeat(np.arange(len(image_ids)), high - low)
    within = np.arange(len(images)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
    return np.column_stack([images, order[np.repeat(low, high - low) + within]])


def retrieval_metrics(
    image_features: FloatArray,
    text_features: FloatArray,
    positives: AnyArray,
    *,
    image_groups: AnyArray | None = None,
    text_groups: AnyArray | None = None,
    replicates: int = 1000,
    seed: int = 0,
    max_bytes: int = 64 << 20,
) -> dict[str, Estimate]:
    """Recall, rank and mAP of image-to-text and text-to-image retrieval by cosine similarity.

    `image_to_text_recall_at_1` (a right text is among the first; also at 5 and 10), `image_to_text_median_rank` (of the
    first right text, 1 is best), `image_to_text_map`, `image_to_text_ndcg` (whole ranking), and the same with
    `text_to_image`. Queries are resampled, the gallery stays. Queries without a right item are left out.

    Args:
        image_features: (n, d); normalised here.
        text_features: (m, d); normalised here.
        positives: int64 (p, 2), pairs (image, text) that belong together; see `pairs_from_ids`.
        image_groups: (n,) groups of images that are resampled whole.
        text_groups: (m,). By default a text is in the group of the first image that it belongs to, so that the five
            captions of one image are resampled together.
        replicates: Number of bootstrap resamples.
        seed: Seeds them.
        max_bytes: Bound on the memory for blocks of scores.

    Raises:
        DataError: Features hold NaN, or pairs name images or texts that do not exist.
    """
    images, texts = (
        normalise(check_finite(features, what))
        for features, what in ((image_features, "image features"), (text_features, "text features"))
    )
    pairs = _checked(positives, len(images), len(texts))
    if text_groups is None:
        text_groups = _group_of_first_image(pairs, len(texts), image_groups)
    metric_estimates: dict[str, Estimate] = {}
    for direction, queries, gallery, direction_pairs, groups in (
        ("image_to_text", images, texts, pairs, image_groups),
        ("text_to_image", texts, images, pairs[:, ::-1], text_groups),
    ):
        ranks = F.rank_positives(queries, gallery, direction_pairs, max_bytes=max_bytes)
        metric_estimates |= rank_metrics(ranks, direction, groups, replicates=replicates, seed=seed)
    return metric_estimates


def rank_metrics(
    ranks: F.Ranks, direction: str, groups: AnyArray | None = None, *, replicates: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """The metrics of one direction from its ranks; see `retrieval_metrics`.

    Args:
        ranks: From `functional.rank_positives`.
        direction: `text_to_image` or `image_to_text`, the prefix of the metrics' names.
        groups: Group of every query, those without a right item included; None resamples queries.
        replicates: Number of bootstrap resamples.
        seed: Seeds them.
    """
    query_groups = None if groups is None else np.asarray(groups)[ranks.queries]
    resampler = Resampler(len(ranks.queries), query_groups, replicates=replicates, seed=seed)
    return estimates([Evaluator(METRICS, DirectedRanks(ranks, direction))], resampler)


def _checked(positives: AnyArray, n_images: int, n_texts: int) -> AnyArray:
    pairs = np.asarray(positives)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not np.issubdtype(pairs.dtype, np.integer):
        raise DataError(f"positives: expected integer pairs (image, text), got {pairs.dtype} of shape {pairs.shape}.")
    if not len(pairs):
        raise DataError("positives: no image belongs to any text, so there is nothing to retrieve.")
    if pairs.min() < 0 or pairs[:, 0].max() >= n_images or pairs[:, 1].max() >= n_texts:
        raise DataError(f"positives: a pair is outside of the {n_images} images and {n_texts} texts.")
    return np.unique(pairs.astype(np.int64), axis=0)


def _group_of_first_image(pairs: AnyArray, n_texts: int, image_groups: AnyArray | None) -> AnyArray:
    texts, first = np.unique(pairs[:, 1], return_index=True)
    of_image = pairs[first, 0]
    # A text without an image is never a query: its group does not matter.
    groups = np.zeros(n_texts, dtype=np.int64 if image_groups is None else np.asarray(image_groups).dtype)
    groups[texts] = of_image if image_groups is None else np.asarray(image_groups)[of_image]
    return groups
