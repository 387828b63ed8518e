"""Is an image of a class that the model was told of? Scores for that question, and metrics of the answers.

All scores are higher where an image is likelier to be of a known class:

- `mcm`: maximum concept matching, the highest softmax of cosines at a temperature of 1 (Ming et al., "Delving into
  Out-of-Distribution Detection with Vision-Language Representations", NeurIPS 2022), where scores are scaled cosines.
- `msp`: the highest softmax probability (Hendrycks and Gimpel, ICLR 2017).
- `max_logit`: the highest logit (Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings",
  ICML 2022).
- `energy`: the log of the sum of exponentials of logits, the negative energy (Liu et al., NeurIPS 2020).

The last two go by the level of an image's logits, which softmax and all other metrics of classes leave out.
"""

from collections.abc import Callable

import numpy as np

from workbench.arrays import AnyArray, BoolArray, FloatArray
from workbench.metrics import functional as F
from workbench.metrics.metric import Metric, Weighted, proportion, share

SCORES = ("mcm", "msp", "max_logit", "energy")
"""Names of the scores, in the order of columns."""
RECALL = 0.95
"""Share of the known images that `unknown_fpr95` accepts."""


def known_scores(logits: AnyArray, cosines: AnyArray | None) -> F.Values:
    """The scores of images, float64 (n, 4), in the order of `SCORES`.

    Args:
        logits: (n, c), of the known classes.
        cosines: (n, c), where logits are scaled cosines; without them `mcm` is NaN.
    """
    exact = np.asarray(logits, np.float64)
    top = exact.max(axis=1)
    energy = top + np.log(np.exp(exact - top[:, None]).sum(axis=1))
    matching = np.full(len(exact), np.nan) if cosines is None else F.softmax(cosines).max(axis=1)
    return np.stack([matching, np.exp(top - energy), top, energy], axis=1)


class KnownOrNot:
    """Images of known and of unknown classes.

    Args:
        is_known: bool (n,), the truth.
        scores: (n, s), higher where known is likelier; a column of NaN is left out of all metrics.
        accepted: bool (n, s), whether an image is taken for one of a known class; None where no threshold was chosen.
        right: bool (n,), whether the likeliest known class is the true one; False for unknown images.
    """

    def __init__(self, is_known: AnyArray, scores: AnyArray, accepted: AnyArray | None, right: AnyArray) -> None:
        self.is_known = np.asarray(is_known, np.bool_)
        self.known_scores = np.asarray(scores, np.float64)
        self.accepted = None if accepted is None else np.asarray(accepted, np.bool_)
        self.right = np.asarray(right, np.bool_)

    @property
    def undefined(self) -> BoolArray:
        """The scores without a value, bool (s,)."""
        return np.asarray(np.isnan(self.known_scores).any(axis=0))

    @property
    def both_sizes(self) -> tuple[int, int]:
        """Number of known and of unknown images."""
        known = int(self.is_known.sum())
        return known, len(self.is_known) - known

    def share_of(self, counted: BoolArray, among: BoolArray) -> Weighted:
        """The share of `counted` images, bool (n, s), of those `among`, bool (n,), for each score."""
        top, bottom = (counted & among[:, None]).astype(np.float64), among.astype(np.float64)

        def parts(weights: FloatArray) -> F.Values:
            exact = weights.astype(np.float64)
            shares = F.ratio(exact @ top, (exact @ bottom)[:, None])
            shares[:, self.undefined] = np.nan
            return shares

        return Weighted(parts=parts, part_boundaries=[max(1.0, float(among.sum()))] * counted.shape[1])


def _auroc(images: KnownOrNot) -> Weighted | None:
    if min(images.both_sizes) == 0:
        return None
    ranking = F.Ranking(
        np.nan_to_num(images.known_scores),
        np.repeat(images.is_known[:, None], images.known_scores.shape[1], axis=1),
        macro=False,
    )

    def parts(weights: FloatArray) -> F.Values:
        values = ranking(weights)[0]
        values[:, images.undefined] = np.nan
        return values

    return Weighted(
        parts=parts,
        part_boundaries=[float(min(images.both_sizes))] * images.known_scores.shape[1],
        influence=lambda part: ranking.influence(0, part),
    )


def _fpr95(images: KnownOrNot) -> Weighted | None:
    if min(images.both_sizes) == 0:
        return None
    columns = [_false_positives(column, images.is_known) for column in np.nan_to_num(images.known_scores).T]

    def parts(weights: FloatArray) -> F.Values:
        values = np.stack([column(weights) for column in columns], axis=1)
        values[:, images.undefined] = np.nan
        return values

    return Weighted(parts=parts, part_boundaries=[float(images.both_sizes[1])] * len(columns))


def _false_positives(scores: AnyArray, is_known: BoolArray) -> Callable[[FloatArray], F.Values]:
    """The share of unknown images at or above the highest score that `RECALL` of the known ones reach."""
    order = np.argsort(-scores, kind="stable")
    ordered, known = scores[order], is_known[order]
    # Images of equal score are taken together: only the last of them ends a step of the curve.
    ends = np.append(ordered[1:] != ordered[:-1], True)

    def evaluate(weights: FloatArray) -> F.Values:
        exact = weights[:, order].astype(np.float64)
        found, alarms = np.cumsum(exact * known, axis=1), np.cumsum(exact * ~known, axis=1)
        reached = ends & (found >= RECALL * found[:, -1:] - 1e-9)
        shares = F.ratio(alarms[np.arange(len(exact)), reached.argmax(axis=1)], alarms[:, -1])
        return np.where(found[:, -1] > 0, shares, np.nan)

    return evaluate


def _known_accepted(images: KnownOrNot) -> Weighted | None:
    assert images.accepted is not None
    return images.share_of(images.accepted, images.is_known) if images.both_sizes[0] else None


def _unknown_refused(images: KnownOrNot) -> Weighted | None:
    assert images.accepted is not None
    return images.share_of(~images.accepted, ~images.is_known) if images.both_sizes[1] else None


def _open_set_accuracy(images: KnownOrNot) -> Weighted:
    assert images.accepted is not None
    right = np.where(images.is_known[:, None], images.accepted & images.right[:, None], ~images.accepted)
    return images.share_of(right, np.ones(len(right), dtype=np.bool_))


_NEEDS = ["is_known", "known_scores"]
_DECIDED = [*_NEEDS, "accepted"]

METRICS: tuple[Metric, ...] = (
    share("unknown_auroc", _auroc, _NEEDS, part_names=SCORES, biased_under_resampling=True),
    share("unknown_fpr95", _fpr95, _NEEDS, part_names=SCORES, higher_is_better=False, from_counts=True),
    proportion("known_accepted", _known_accepted, _DECIDED, part_names=SCORES),
    proportion("unknown_refused", _unknown_refused, _DECIDED, part_names=SCORES),
    proportion("open_set_accuracy", _open_set_accuracy, _DECIDED, part_names=SCORES),
)
