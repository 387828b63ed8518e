"""What a run chooses on validation images once its recipe has been fitted: thresholds, calibration, joining, sets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from workbench.arrays import AnyArray, FloatArray, IntArray
from workbench.errors import DataError
from workbench.metrics.functional import Ranking, nll_terms, ones, softmax
from workbench.metrics.hierarchy import LikeliestTaxa, Taxonomy, choose_backoff
from workbench.metrics.operating_points import choose_threshold, positive_log_odds
from workbench.metrics.prediction_sets import conformal_quantile
from workbench.tasks.classification.calibration import Calibration, fit_calibration, out_of_fold
from workbench.tasks.classification.card_decisions import DecisionTable
from workbench.tasks.classification.joining import JOINS, join_labels, join_scores
from workbench.tasks.classification.unknown_items import known_thresholds, knownness


@dataclass(frozen=True)
class Choices:
    """What was chosen.

    Attributes:
        positives: The positive classes, ascending; none where the card names none of more than two.
        points: Operating points.
        thresholds: Of an image's log-odds, one a point; see `operating_points.choose_threshold`.
        group_thresholds: Of a group's; none where images are not joined.
        prevalence: See `DecisionTable`.
        join: How images of a group are joined, or None.
        calibration: Of the recipe's scores, or None.
        least_probability: That of a class in a set, see `conformal_quantile`; None without sets.
        images: Number of validation images that it was chosen on.
        known_thresholds: From which score on an image is taken for one of a known class, see
            `unknown_items.known_thresholds`; none where all classes are known.
        backoff: From which probability on the taxon of a rank is the answer, see `hierarchy.choose_backoff`; or None.
        taxonomy: Of the classes, where there is `backoff`.
    """

    positives: tuple[int, ...] = ()
    points: tuple[str, ...] = ()
    thresholds: tuple[float, ...] = ()
    group_thresholds: tuple[float, ...] = ()
    prevalence: float | None = None
    join: str | None = None
    calibration: Calibration | None = None
    least_probability: float | None = None
    images: int = 0
    known_thresholds: tuple[float, ...] = ()
    backoff: float | None = None
    taxonomy: Taxonomy | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it; infinite thresholds are texts."""
        calibration = self.calibration
        return {
            **{key: value for key, value in self.__dict__.items() if key != "calibration"},
            "thresholds": [repr(value) for value in self.thresholds],
            "group_thresholds": [repr(value) for value in self.group_thresholds],
            "known_thresholds": [repr(value) for value in self.known_thresholds],
            "calibration": None if calibration is None else [calibration.factor, calibration.offset],
            "backoff": None if self.backoff is None else repr(self.backoff),
            "taxonomy": None if self.taxonomy is None else self.taxonomy.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """From `to_dict`."""
        calibration = values["calibration"]
        numbers = [key for key in ("thresholds", "group_thresholds", "known_thresholds") if key in values]
        read: dict[str, Any] = {
            **values,
            **{key: tuple(values[key]) for key in ("positives", "points")},
            **{key: tuple(map(float, values[key])) for key in numbers},
            "calibration": None if calibration is None else Calibration(*map(tuple, calibration)),
        }
        if read.get("backoff") is not None:
            read["backoff"] = float(read["backoff"])
            read["taxonomy"] = Taxonomy.from_dict(read["taxonomy"])
        return cls(**read)

    def reordered(self, order: IntArray) -> "Choices":
        """With classes in another order: column i is then column `order[i]` of now."""
        calibration = self.calibration
        if calibration is not None:
            factor, offset = (
                tuple(np.asarray(part)[order].tolist()) for part in (calibration.factor, calibration.offset)
            )
            calibration = Calibration(factor, offset)
        positives = tuple(np.flatnonzero(np.isin(order, self.positives)).tolist())
        taxonomy = None if self.taxonomy is None else self.taxonomy.reordered(order)
        return replace(self, positives=positives, calibration=calibration, taxonomy=taxonomy)

    def of_groups(self) -> "Choices":
        """Those for groups in place of images."""
        return replace(
            self, thresholds=self.group_thresholds, group_thresholds=(), join=None, least_probability=None,
            known_thresholds=(), backoff=None, taxonomy=None,
        )  # fmt: skip


def choose(
    table: DecisionTable,
    positives: Sequence[int],
    scores: FloatArray,
    labels: AnyArray,
    groups: AnyArray | None,
    *,
    scale: float | None = None,
    taxonomy: Taxonomy | None = None,
    observations: AnyArray | None = None,
) -> Choices:
    """Choose on validation images.

    Where scores are calibrated, what comes after that is chosen on scores that other folds have calibrated, since
    images that a calibration was fitted on are not like new ones.

    Args:
        table: The card's.
        positives: Positive classes.
        scores: Logits of validation images, (n, c), as the recipe's predictor gives them.
        labels: int64 (n,).
        groups: int64 (n,) groups, or None.
        taxonomy: Of the classes, or None.
        observations: int64 (n,) of what is joined in place of groups, by its mean where the card does not say how; or
            None.
        scale: The predictor's, where test has images of unknown classes; else None.

    Raises:
        DataError: There are too few validation images for a choice, or none.
    """
    if not len(labels):
        raise DataError(
            "[decisions] of the card: needs validation images, and this run has none; give it some (splits.val or "
            "splits.val_fraction; shots of 0 have none)."
        )
    calibration, calibrated = None, scores
    if table.calibration is not None:
        calibration = fit_calibration(table.calibration, scores, labels)
        calibrated = out_of_fold(table.calibration, scores, labels, groups)
    join, group_thresholds = None, tuple[float, ...]()
    if table.join is not None or observations is not None:
        joined = groups if observations is None else observations
        if joined is None:
            raise DataError("decisions.join: needs groups; name them in columns.group, or splits.group_pattern.")
        units = np.unique(joined, return_inverse=True)[1]
        truth = join_labels(labels, units, positives)
        join = _best_join(calibrated, units, truth, positives) if table.join == "chosen" else table.join or "mean"
        group_thresholds = _thresholds(table, join_scores(calibrated, units, join, positives), truth, positives)
    least = None
    if table.coverage is not None:
        least = conformal_quantile(softmax(calibrated), labels, table.coverage)
    known = () if scale is None else known_thresholds(knownness(calibrated, scale, calibration), table.known)
    backoff = None
    if table.backoff is not None and taxonomy is not None:
        backoff = choose_backoff(LikeliestTaxa.of(taxonomy, softmax(calibrated), labels), table.backoff)
    return Choices(
        tuple(sorted(positives)), table.points, _thresholds(table, calibrated, labels, positives), group_thresholds,
        table.prevalence, join, calibration, least, len(labels), known,
        backoff, None if backoff is None else taxonomy,
    )  # fmt: skip


def _thresholds(
    table: DecisionTable, scores: AnyArray, labels: AnyArray, positives: Sequence[int]
) -> tuple[float, ...]:  # fmt: skip
    if not table.points:
        return ()
    margins, truth = positive_log_odds(scores, tuple(positives)), np.isin(labels, positives)
    return tuple(choose_threshold(point, margins, truth) for point in table.points)


def _best_join(scores: AnyArray, units: AnyArray, truth: AnyArray, positives: Sequence[int]) -> str:
    """The way of joining with the highest AUROC of positive groups, else the lowest NLL; of equal ones the first."""

    def merit(join: str) -> float:
        joined = join_scores(scores, units, join, positives)
        positive = np.isin(truth, positives)
        if positive.any() and not positive.all():
            margins = positive_log_odds(joined, tuple(positives))[:, None]
            return float(Ranking(margins, positive[:, None])(ones(len(truth)))[0][0])
        return -float(nll_terms(joined, truth).mean())

    return max(JOINS, key=merit)
