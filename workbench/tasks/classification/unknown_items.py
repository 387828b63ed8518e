"""Test images of classes that no recipe was told of (`splits.unknown`), beside those of known classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, BoolArray, FloatArray, IntArray
from workbench.metrics import unknown as of_unknown
from workbench.metrics.functional import Values
from workbench.metrics.operating_points import threshold_of_share
from workbench.metrics.unknown import SCORES, KnownOrNot, known_scores
from workbench.tasks.classification.calibration import Calibration
from workbench.tasks.classification.item_view import ItemView, View

if TYPE_CHECKING:
    from workbench.tasks.classification.predictions import ClassPredictions


@dataclass(frozen=True)
class UnknownItems:
    """Test images of unknown classes; metrics of classes leave them out.

    Attributes:
        ids: Item names.
        groups: As `ClassPredictions.groups`.
        classes: The name of each one's class.
        scores: float32 (n, n_classes), logits of the known classes.
        scale: The factor that made cosines logits; 1 where they were none.
    """

    ids: Sequence[str]
    groups: Sequence[str | None]
    classes: Sequence[str]
    scores: FloatArray
    scale: float = 1.0

    def reordered(self, order: IntArray) -> "UnknownItems":
        """With known classes in another order: column i is then column `order[i]` of now."""
        return replace(self, scores=self.scores[:, order])


def knownness(scores: AnyArray, scale: float, calibration: Calibration | None = None) -> Values:
    """See `known_scores`, of a predictor's logits (n, c); cosines are those before calibration."""
    if scale == 1.0:
        return known_scores(scores, None)
    raw = scores if calibration is None else calibration.undone(scores)
    return known_scores(scores, np.asarray(raw, np.float64) / scale)


def known_thresholds(values: Values, share: float) -> tuple[float, ...]:
    """Thresholds of `SCORES` from which on images are taken for known, so that a share of validation images is.

    Args:
        values: (n, 4) of validation images, all of known classes, from `knownness`; n > 0.
        share: 0..1, exclusive.

    Returns:
        One a score; NaN where the score is not defined.
    """
    return tuple(
        float("nan") if np.isnan(column).any() else threshold_of_share(column, share) for column in values.T
    )  # fmt: skip


def taken_for_known(
    scores: AnyArray, scale: float, thresholds: Sequence[float], calibration: Calibration | None = None
) -> BoolArray | None:
    """Whether images are taken for ones of known classes, bool (n,); None where no threshold was chosen.

    By maximum concept matching where scores are scaled cosines, else by the highest probability.

    Args:
        scores: Logits (n, c), calibrated if there is a calibration.
        scale: The predictor's.
        thresholds: See `known_thresholds`.
        calibration: Of the scores, or None.
    """
    if not thresholds:
        return None
    column = SCORES.index("msp" if np.isnan(thresholds[SCORES.index("mcm")]) else "mcm")
    return np.asarray(knownness(scores, scale, calibration)[:, column] >= thresholds[column])


def _view(predictions: "ClassPredictions") -> ItemView | None:
    outside, labels, choices = predictions.unknown_items, predictions.labels, predictions.choices
    if outside is None or labels is None or not len(outside.ids):
        return None
    calibration = None if choices is None else choices.calibration
    thresholds = () if choices is None else choices.known_thresholds
    scores = np.concatenate([predictions.scores, outside.scores])
    truth = np.concatenate([labels, np.full(len(outside.ids), -1)])
    values = knownness(scores, outside.scale, calibration)
    # NaN where none was chosen, so that rows of runs with and without thresholds are of one width.
    accepted = (values >= np.array(thresholds)).astype(np.float64) if thresholds else np.full(values.shape, np.nan)
    right = (scores.argmax(axis=1) == truth)[:, None]
    table = np.column_stack([values, right, accepted])
    ids, groups = [*predictions.ids, *outside.ids], [*predictions.groups, *outside.groups]
    return ItemView(_rebuilt(table, truth), ids, groups, truth, table, _rebuilt)


def _rebuilt(values: AnyArray, truth: AnyArray) -> KnownOrNot:
    scores, right, accepted = np.split(values, [len(SCORES), len(SCORES) + 1], axis=1)
    return KnownOrNot(truth >= 0, scores, None if np.isnan(accepted).any() else accepted > 0.5, right[:, 0] > 0.5)


UNKNOWN = View(of_unknown.METRICS, _view)
