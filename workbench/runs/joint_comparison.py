"""Paired comparison of two runs of retrieval, matching or grounding on the same test items."""

import numpy as np

from workbench.errors import DataError
from workbench.metrics import PairedDifference, align_items, compare_items, compare_paired
from workbench.runs.predictions import JointPredictions, ScoredChoices, group_codes


def joint_difference(a: JointPredictions, b: JointPredictions, metric: str) -> PairedDifference:
    """A metric of run A minus that of run B, with interval and test.

    Args:
        a: Predictions of A.
        b: Predictions of B.
        metric: A mean over items (recall, mAP, nDCG, accuracy, Winoground's scores), or AUROC or average precision of
            statements.

    Raises:
        WorkbenchError: The metric is neither.
        NotComparableError: The test items are not the same.
    """
    if isinstance(a, ScoredChoices) and (said := a.statements(metric)) is not None:
        if not isinstance(b, ScoredChoices) or (others := b.statements(metric)) is None:
            raise DataError("the runs are of different tasks.")
        truth = said[1]
        order = align_items(np.array(a.ids), np.array(b.ids), truth, others[1])
        scores = said[0][:, None], others[0][order][:, None]
        return compare_paired(*scores, truth[:, None], group_codes(a.groups), metric=metric, multi_label=True)
    first, other = a.item_values(metric), b.item_values(metric)
    order = align_items(np.array(first.ids), np.array(other.ids))
    return compare_items(first.values, np.asarray(other.values)[order], group_codes(first.groups), metric=metric)
