"""Why a recipe cannot be run on a dataset for classification."""

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import DataError
from workbench.recipes import RunSpec
from workbench.tasks.classification.deciding import positives_of
from workbench.tasks.classification.regional import checklists_of

if TYPE_CHECKING:
    from workbench.datasets import Dataset


def why_refused(spec: RunSpec, dataset: "Dataset") -> str | None:
    """Why a recipe cannot be run on a dataset, in a sentence; None if it can.

    Raises:
        DataError: The dataset's unseen or unknown classes cannot be measured on its test split.
    """
    recipe: Any = spec.factory
    if dataset.card.multi_label and not recipe.multi_label:
        return f"recipe {spec.recipe!r} cannot do multi-label datasets such as {dataset.name!r}."
    fitted = dataset.fitted
    if fitted is not dataset and not recipe.scores_by_text:
        return (
            f"recipe {spec.recipe!r} scores the classes that it was fitted on and no others, and those of dataset "
            f"{dataset.name!r} are others than those of {fitted.name!r} (classes = 'text' of [[transfer]]); name "
            "recipes that score by text in its recipes."
        )
    if (dataset.masks_labels or fitted.masks_labels) and not recipe.masks_labels:
        return (
            f"recipe {spec.recipe!r} cannot leave unknown findings out of its loss, and dataset {dataset.name!r} "
            "has some; uncertain and missing = 'leave-out' in [labels] of the card leave their images out."
        )
    if dataset.unknown_class_names:
        _check_unknown(dataset)
    _check_observations(dataset)
    checklists_of(dataset)
    if (reason := _why_nothing_is_decided(spec, dataset)) is not None:
        return reason
    if not len(fitted.unseen_classes):
        return None
    if not recipe.unseen:
        return (
            f"recipe {spec.recipe!r} cannot recognise classes without training images, of which dataset "
            f"{fitted.name!r} has {len(fitted.unseen_classes)}."
        )
    if fitted is dataset:
        _check_unseen(dataset)
    return None


def _why_nothing_is_decided(spec: RunSpec, dataset: "Dataset") -> str | None:
    """Why what `[decisions]` of the card asks for cannot be chosen; None if it can."""
    table = getattr(dataset.card, "decisions", None)
    if table is None:
        return None
    if spec.inference != "inductive":
        return (
            f"recipe {spec.recipe!r} is {spec.inference}: what it answers for validation images is not what it "
            "answers for test images, so nothing can be chosen on them, as [decisions] of dataset "
            f"{dataset.name!r} asks; leave the recipe or the table out."
        )
    if dataset.fitted is not dataset:
        return f"[decisions] of dataset {dataset.name!r} is chosen on validation images of its own classes."
    if table.points and not positives_of(dataset):
        return (
            f"dataset {dataset.name!r}: decisions.points needs positive_class in the card, since there are "
            f"{len(dataset.class_names)} classes."
        )
    return None


def _check_unknown(dataset: "Dataset") -> None:
    """Refuse unknown classes that test cannot measure."""
    unknown = [name is not None for name in dataset.unknown_names(dataset.rows("test"))]
    if not any(unknown) or all(unknown):
        lack = "of any other class" if any(unknown) else "of them"
        raise DataError(
            f"dataset {dataset.name!r}: splits.unknown keeps {', '.join(dataset.unknown_class_names[:5])} for test, "
            f"and test has no image {lack}; give it images of known and of unknown classes."
        )


def _check_observations(dataset: "Dataset") -> None:
    """Refuse observations that are of several groups, or of several classes with none of them positive."""
    rows = np.concatenate([dataset.rows("val"), dataset.rows("test")])
    names = dataset.observations(rows)
    if names is None:
        return
    groups, labels = dataset.group_names(rows), dataset.labels(rows).tolist()
    mixed = not positives_of(dataset)
    first: dict[str, tuple[str | None, int]] = {}
    for name, group, label in zip(names, groups, labels, strict=True):
        known = first.setdefault(name, (group, label)) if name else (group, label)
        if known[0] != group or (mixed and known[1] != label):
            what = "groups" if known[0] != group else "classes"
            raise DataError(
                f"dataset {dataset.name!r}: the photographs of observation {name!r} are of several {what}; an "
                "observation lies in one group and is of one class. Correct the table, or take columns.observation out."
            )


def _check_unseen(dataset: "Dataset") -> None:
    """Refuse unseen classes that test cannot measure: every recipe would fail, and only after its training."""
    unseen = dataset.unseen_classes
    labels = dataset.labels(dataset.rows("test"))
    inside = np.isin(labels[labels >= 0], unseen)
    if len(inside) and (inside.all() or not inside.any()):
        named = ", ".join(dataset.class_names[c] for c in unseen[:5]) + (", ..." if len(unseen) > 5 else "")
        lack = "any other class" if inside.all() else "them"
        raise DataError(
            f"dataset {dataset.name!r}: splits.unseen keeps {named} for test, and test has no image of {lack}; seen "
            "and unseen classes are compared on test, so give it images of both, or take splits.unseen out of the card."
        )
