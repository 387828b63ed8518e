"""Predictions of images whose region has a list of the classes that occur there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import BoolArray, IntArray
from workbench.datasets.card import DatasetCard
from workbench.errors import DataError
from workbench.metrics import checklists as of_checklists
from workbench.tasks.classification.item_view import ItemView, View

if TYPE_CHECKING:
    from workbench.datasets import Dataset
    from workbench.tasks.classification.predictions import ClassPredictions

_OUT = 1e4
"""How far below an image's highest logit a class is that does not occur: of no probability, and of a finite logit."""


@dataclass(frozen=True)
class Listed:
    """Images whose region has a list.

    Attributes:
        listed: Whether the true class is on it, bool (n,).
    """

    listed: BoolArray


def checklists_of(dataset: "Dataset") -> dict[str, tuple[int, ...]]:
    """By region, the classes that occur there, ascending.

    Raises:
        DataError: A list has none of the dataset's classes.
    """
    lists = _lists(dataset.card)
    place = {name: i for names in (dataset.class_keys, dataset.class_names) for i, name in enumerate(names)}
    found = {region: tuple(sorted({place[name] for name in names if name in place})) for region, names in lists.items()}
    empty = next((region for region, classes in found.items() if not classes), None)
    if empty is not None:
        raise DataError(
            f"dataset {dataset.name!r}: the list of region {empty!r} has {len(lists[empty])} names, and none is of a "
            f"class of the dataset; its classes begin with {', '.join(dataset.class_names[:5])}."
        )
    return found


def checklist_notes(dataset: "Dataset") -> list[str]:
    """Sentences about test images without a list, and names on lists that are of no class."""
    lists, regions = _lists(dataset.card), dataset.regions(dataset.rows("test"))
    if not lists or regions is None:
        return []
    notes = []
    bare = sum(region not in lists for region in regions)
    if bare:
        notes.append(f"{bare} of {len(regions)} test images are of no region with a list: for them all classes stay.")
    every = {name for names in lists.values() for name in names}
    stray = sorted(every - {*dataset.label_names, *dataset.label_names.values()})
    if stray:
        more = f" and {len(stray) - 3} more" if len(stray) > 3 else ""
        some = f"{', '.join(stray[:3])}{more}"
        notes.append(f"{len(stray)} of {len(every)} names on lists of regions are of no class: {some}.")
    return notes


def masked_predictions(predictions: "ClassPredictions") -> "ClassPredictions | None":
    """Predictions whose classes that do not occur in an image's region have no probability; None without lists."""
    inside = _inside(predictions)
    if inside is None:
        return None
    scores = predictions.scores
    masked = np.where(inside, scores, scores.max(axis=1, keepdims=True) - _OUT).astype(np.float32)
    return replace(predictions, scores=masked, choices=None, regions=None, unknown_items=None, validation=None)


def _lists(card: DatasetCard) -> Mapping[str, tuple[str, ...]]:
    lists: Mapping[str, tuple[str, ...]] = getattr(card, "checklists", {})
    return lists


def _inside(predictions: "ClassPredictions") -> BoolArray | None:
    """Whether a class may be in an image's region, bool (n, c)."""
    if predictions.regions is None or not predictions.checklists:
        return None
    inside = np.ones(predictions.scores.shape, dtype=np.bool_)
    for i, region in enumerate(predictions.regions):
        if region is not None and region in predictions.checklists:
            inside[i] = False
            inside[i, list(predictions.checklists[region])] = True
    return inside


def _view(predictions: "ClassPredictions") -> ItemView | None:
    inside, labels, regions = _inside(predictions), predictions.labels, predictions.regions
    if inside is None or labels is None or regions is None:
        return None
    rows: IntArray = np.array([i for i, name in enumerate(regions) if name in predictions.checklists], dtype=np.int64)
    if not len(rows):
        return None
    listed = inside[rows, labels[rows]]
    ids, groups = [predictions.ids[i] for i in rows], [predictions.groups[i] for i in rows]
    return ItemView(Listed(listed), ids, groups, labels[rows], means={"checklist_coverage": listed})


CHECKLISTS = View(of_checklists.METRICS, _view)
