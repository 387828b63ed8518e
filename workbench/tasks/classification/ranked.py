"""Predictions of classes that stand in a hierarchy of ranks, and of frequent and rare classes."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics import frequency as of_frequency
from workbench.metrics import hierarchy as of_hierarchy
from workbench.metrics.frequency import FrequencyHits
from workbench.metrics.functional import relative_logits, softmax
from workbench.metrics.hierarchy import HierarchicalAnswers, LikeliestTaxa
from workbench.metrics.keys import metric_keys
from workbench.tasks.classification.item_view import ItemView, View

if TYPE_CHECKING:
    from workbench.tasks.classification.predictions import ClassPredictions


def _hierarchy_view(predictions: "ClassPredictions") -> ItemView | None:
    taxonomy, labels, choices = predictions.taxonomy, predictions.labels, predictions.choices
    if taxonomy is None or labels is None or predictions.multi_label:
        return None
    taxa = LikeliestTaxa.of(taxonomy, softmax(predictions.scores), labels)
    # The class itself as all metrics of classes take it.
    distances = taxonomy.distances(relative_logits(predictions.scores).argmax(axis=1), labels)
    columns = [distances, *taxa.hits.T[1:]]
    if choices is not None and choices.backoff is not None:
        level, rows = taxa.answered(choices.backoff), np.arange(len(labels))
        right = (level >= 0) & taxa.hits[rows, level]
        columns += [level, right, np.where(right, taxa.information[rows, level], 0.0)]
    values = np.column_stack(columns).astype(np.float64)
    rebuild = partial(_rebuilt_answers, len(taxonomy.ranks))
    answers = rebuild(values, labels)
    ranks, levels = metric_keys(taxonomy.ranks), metric_keys(taxonomy.levels)
    means: dict[str, AnyArray] = {"hierarchical_distance": answers.distances}
    means |= {f"rank_accuracy/{name}": hits for name, hits in zip(ranks, answers.rank_hits.T, strict=True)}
    if answers.answered is not None and answers.information is not None:
        means |= {"backoff_information": answers.information, "backoff_coverage": answers.answered >= 0}
        means |= {f"backoff_coverage/{name}": answers.answered == i for i, name in enumerate(levels)}
    parts = {"rank_accuracy": ranks, "backoff_coverage": levels}
    return ItemView(answers, predictions.ids, predictions.groups, labels, values, rebuild, parts, means)


def _rebuilt_answers(ranks: int, values: AnyArray, _labels: AnyArray) -> HierarchicalAnswers:
    distances, hits, others = values[:, 0], values[:, 1 : 1 + ranks] > 0.5, values[:, 1 + ranks :].T
    if not len(others):
        return HierarchicalAnswers(hits, distances)
    return HierarchicalAnswers(hits, distances, others[0].astype(np.int64), others[1] > 0.5, others[2])


def _frequency_view(predictions: "ClassPredictions") -> ItemView | None:
    labels, bands = predictions.labels, predictions.bands
    if not bands or labels is None or predictions.multi_label:
        return None
    right = relative_logits(predictions.scores).argmax(axis=1) == labels
    rebuild = partial(_rebuilt_hits, bands)
    values = right[:, None].astype(np.float64)
    return ItemView(rebuild(values, labels), predictions.ids, predictions.groups, labels, values, rebuild)


def _rebuilt_hits(bands: tuple[str, ...], values: AnyArray, labels: AnyArray) -> FrequencyHits:
    return FrequencyHits(values[:, 0] > 0.5, labels, bands)


HIERARCHY = View(of_hierarchy.METRICS, _hierarchy_view)
FREQUENCY = View(of_frequency.METRICS, _frequency_view)
