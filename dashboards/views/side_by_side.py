"""Two classification runs on the same items, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.metrics import (
    CalibrationCurve,
    align_items,
    calibration_curve,
    compare_paired,
    confusion_matrix,
    holm,
    softmax,
)
from workbench.tasks import ClassPredictions


@dataclass(frozen=True)
class SideBySide:
    """Predictions of A and B in the order of A's items.

    Attributes:
        ids: Item names.
        labels: int64 (n,).
        groups: int64 (n,) or None.
        scores: Logits (n, n_classes) of A and of B.
        class_names: In label order.
    """

    ids: tuple[str, ...]
    labels: AnyArray
    groups: AnyArray | None
    scores: tuple[FloatArray, FloatArray]
    class_names: tuple[str, ...]

    @property
    def predicted(self) -> tuple[AnyArray, AnyArray]:
        """Predicted classes of A and of B."""
        return self.scores[0].argmax(axis=1), self.scores[1].argmax(axis=1)

    @property
    def right(self) -> tuple[AnyArray, AnyArray]:
        """Whether A and B are right."""
        a, b = self.predicted
        return a == self.labels, b == self.labels


def pair_up(a: ClassPredictions, b: ClassPredictions) -> SideBySide:
    """Bring two single-label runs into one order.

    Raises:
        WorkbenchError: They are not of the same items and classes, or have several labels an item.
    """
    try:
        b = b.matched(a)
    except DataError as error:
        raise DataError(f"the runs have {error}") from error
    if a.labels is None or b.labels is None or a.labels.ndim != 1:
        raise DataError("this view is for runs with one label an image.")
    order = align_items(a.ids, b.ids, a.labels, b.labels)
    return SideBySide(tuple(a.ids), a.labels, a.group_codes, (a.scores, b.scores[order]), a.class_names)


def agreement(pair: SideBySide) -> pd.DataFrame:
    """Numbers of items that A (rows) and B (columns) get right and wrong."""
    a, b = pair.right
    return pd.DataFrame(
        [[int((a & b).sum()), int((a & ~b).sum())], [int((~a & b).sum()), int((~a & ~b).sum())]],
        index=pd.Index(["A right", "A wrong"], name="images"),
        columns=["B right", "B wrong"],
    )


def kappa(pair: SideBySide) -> float:
    """Cohen's kappa of the two runs' predicted classes (Cohen 1960); NaN where both always predict one class."""
    from sklearn.metrics import cohen_kappa_score

    a, b = pair.predicted
    return float(cohen_kappa_score(a, b)) if len(np.unique(np.r_[a, b])) > 1 else float("nan")


def per_class(a: Sequence[ClassPredictions], b: Sequence[ClassPredictions]) -> pd.DataFrame:
    """Recall of A and of B by class, the mean over their seeds, and the paired difference, the largest first.

    Columns: class, images, A, B, difference, low, high (95 %, over seeds and images), p (Holm-corrected over the
    classes). Classes without a test image are left out.

    Args:
        a: Predictions of A, one a seed.
        b: Predictions of B.

    Raises:
        WorkbenchError: As `pair_up` does.
    """
    pairs = [pair_up(a[0], run) for run in (*a, *b)]
    labels, groups = pairs[0].labels, pairs[0].groups
    scores = np.stack([pair.scores[1] for pair in pairs])
    right = scores.argmax(axis=2) == labels
    rows, p_values = [], []
    for label, name in enumerate(pairs[0].class_names):
        members = np.flatnonzero(labels == label)
        if not len(members):
            continue
        difference = compare_paired(
            scores[: len(a), members], scores[len(a) :, members], labels[members],
            None if groups is None else groups[members],
            replicates=500, draws=1999,
        )  # fmt: skip
        recalls = right[: len(a), members].mean(), right[len(a) :, members].mean()
        rows.append((name, len(members), *recalls, difference.value, difference.low, difference.high))
        p_values.append(difference.p_value)
    table = pd.DataFrame(rows, columns=["class", "images", "A", "B", "difference", "low", "high"])
    table["p"] = np.asarray(holm(p_values))
    return table.sort_values("difference", key=abs, ascending=False, ignore_index=True)


def confusions(pair: SideBySide) -> tuple[FloatArray, FloatArray]:
    """Confusion matrices of A and of B, rows normalised by the class's number of images; 0 where it has none."""
    matrices = []
    for predicted in pair.predicted:
        counts = confusion_matrix(pair.labels, predicted, len(pair.class_names))
        matrices.append(np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)))
    return matrices[0], matrices[1]


def calibration(pair: SideBySide) -> tuple[CalibrationCurve, CalibrationCurve]:
    """Accuracy against confidence of the predicted class over equal-mass bins, of A and of B."""
    chances = [softmax(scores) for scores in pair.scores]
    a, b = (
        calibration_curve(probabilities.max(axis=1), probabilities.argmax(axis=1) == pair.labels)
        for probabilities in chances
    )
    return a, b


def one_right(pair: SideBySide, winner: int) -> AnyArray:
    """Items that only one run gets right, those of which the loser was surest first.

    Args:
        pair: The runs.
        winner: 0 for A, 1 for B.
    """
    right = pair.right
    items = np.flatnonzero(right[winner] & ~right[1 - winner])
    confidence = softmax(pair.scores[1 - winner][items]).max(axis=1)
    return np.asarray(items[np.argsort(-confidence, kind="stable")])
