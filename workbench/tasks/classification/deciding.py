"""What is chosen on validation images after the fit: for `[decisions]` of the card, and for unknown classes."""

from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import DataError
from workbench.recipes import Fitted
from workbench.tasks.classification.card_decisions import DecisionTable
from workbench.tasks.classification.choices import choose
from workbench.tasks.classification.given import ClassificationTask
from workbench.tasks.classification.predictor import Predictor, TransductivePredictor
from workbench.tasks.classification.validated import ValidatedPredictor
from workbench.tasks.classification.validation_scores import ValidationScores

if TYPE_CHECKING:
    from workbench.datasets import Dataset


def positives_of(dataset: "Dataset") -> tuple[int, ...]:
    """The classes that sensitivity is about, ascending: those that the card names, of two else the second.

    Raises:
        DataError: The card names what is no class, or all of them.
    """
    named = getattr(dataset.card, "positive_class", None)
    if named is None:
        return (1,) if len(dataset.class_names) == 2 else ()
    found = []
    for name in [named] if isinstance(named, str) else named:
        known = next((names for names in (dataset.class_names, dataset.class_keys) if name in names), None)
        if known is None:
            raise DataError(
                f"dataset {dataset.name!r}: positive_class {name!r} is no class; these are: "
                f"{', '.join(dataset.class_names)}."
            )
        found.append(known.index(name))
    if not found or len(set(found)) == len(dataset.class_names):
        raise DataError(
            f"dataset {dataset.name!r}: positive_class names {'all' if found else 'none'} of its classes; name some."
        )
    return tuple(sorted(set(found)))


def chooses(dataset: "Dataset") -> bool:
    """Whether something is chosen on validation images after the fit."""
    return getattr(dataset.card, "decisions", None) is not None or bool(dataset.unknown_class_names)


def validated(predictor: Fitted, given: ClassificationTask, dataset: "Dataset") -> Fitted:
    """A fitted predictor with what is chosen on validation images, which it was not fitted on."""
    table: DecisionTable | None = getattr(dataset.card, "decisions", None)
    if not isinstance(predictor, Predictor) or (table is None and isinstance(predictor, TransductivePredictor)):
        return predictor  # What it answers for validation images is not what it answers for test images.
    val = given.held_out or given.val
    if table is None and not len(val):
        return predictor
    scores = np.zeros((0, given.n_classes), dtype=np.float32)
    if len(val):
        scores = np.asarray(predictor.scores(val.images), dtype=np.float32)
    scale = predictor.scale if dataset.unknown_class_names else None
    choices = choose(
        table or DecisionTable(), positives_of(dataset), scores, val.labels, val.groups, scale=scale,
        taxonomy=dataset.taxonomy, observations=val.observations,
    )  # fmt: skip
    return ValidatedPredictor(predictor, choices, ValidationScores(scores, val.labels, val.groups))
