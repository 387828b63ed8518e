"""Predictions as decisions at operating points, and as sets of classes.

Two runs make them by their own thresholds: they are compared by decisions and sets, not by scores.
"""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics import decisions as of_decisions
from workbench.metrics import prediction_sets as of_sets
from workbench.metrics.decisions import Decisions
from workbench.metrics.domains import numbered_domains
from workbench.metrics.functional import softmax
from workbench.metrics.keys import metric_keys
from workbench.metrics.operating_points import positive_log_odds
from workbench.metrics.prediction_sets import PredictionSets
from workbench.tasks.classification.item_view import ItemView, View

if TYPE_CHECKING:
    from workbench.tasks.classification.predictions import ClassPredictions


def margins_of(predictions: "ClassPredictions") -> tuple[AnyArray, AnyArray] | None:
    """Log-odds of the positive classes and whether each item is of one, (n,) each; None where no class is positive."""
    choices = predictions.choices
    if choices is None or not choices.positives or predictions.labels is None or predictions.multi_label:
        return None
    margins = positive_log_odds(predictions.scores, choices.positives)
    return margins, np.isin(predictions.labels, choices.positives)


def decisions_of(predictions: "ClassPredictions") -> Decisions | None:
    """Positive against negative at the run's operating points; None where no class is positive."""
    both, choices = margins_of(predictions), predictions.choices
    if both is None or choices is None:
        return None
    margins, positive = both
    decided = margins[:, None] >= np.array(choices.thresholds)[None, :]
    return Decisions(positive, decided, margins, prevalence=choices.prevalence)


def sets_of(predictions: "ClassPredictions") -> PredictionSets | None:
    """The set of classes of each item; None where the run has none."""
    choices, labels = predictions.choices, predictions.labels
    if choices is None or choices.least_probability is None or labels is None or labels.ndim != 1:
        return None
    inside = softmax(predictions.scores) >= choices.least_probability
    return PredictionSets(inside, labels, domains=numbered_domains(predictions.domains)[1])


def _decisions_view(predictions: "ClassPredictions") -> ItemView | None:
    view, choices = decisions_of(predictions), predictions.choices
    if view is None or choices is None or predictions.labels is None:
        return None
    points = metric_keys(choices.points)
    return ItemView(
        view, predictions.ids, predictions.groups, predictions.labels, np.column_stack([view.margins, view.decided]),
        partial(_rebuilt_decisions, choices.positives, view.prevalence),
        {metric.name: points for metric in of_decisions.METRICS},
    )  # fmt: skip


def _rebuilt_decisions(
    positives: tuple[int, ...], prevalence: float | None, values: AnyArray, labels: AnyArray
) -> Decisions:  # fmt: skip
    return Decisions(np.isin(labels, positives), values[:, 1:] > 0.5, values[:, 0], prevalence=prevalence)


def _sets_view(predictions: "ClassPredictions") -> ItemView | None:
    sets = sets_of(predictions)
    if sets is None or predictions.labels is None:
        return None
    domains, classes = (
        metric_keys(names) for names in (numbered_domains(predictions.domains)[0], predictions.class_names)
    )
    parts = {
        **{metric.name: classes for metric in of_sets.METRICS},
        **{metric.name: domains for metric in of_sets.DOMAIN_METRICS},
    }
    means = {"set_coverage": sets.covered, "set_size": sets.sizes}
    return ItemView(sets, predictions.ids, predictions.groups, predictions.labels, parts=parts, means=means)


DECISIONS = View(of_decisions.METRICS, _decisions_view)
SETS = View((*of_sets.METRICS, *of_sets.DOMAIN_METRICS), _sets_view)
