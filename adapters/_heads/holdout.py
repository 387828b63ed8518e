"""Classes without images: heads are fitted to the seen classes, and extended to the others by their text afterwards.

Hyper-parameters that are best on seen classes may be bad for unseen ones. So they and the margin are chosen on a
holdout: some seen classes are left out of training, and the harmonic mean of the accuracies on held-out and other
classes decides.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from adapters._heads.batches import TaskBatch
from adapters._heads.choice import Setting
from adapters._heads.few_shot import AllClasses, FewShot, few_shots
from adapters._heads.predictors import SavedArrays
from adapters._holdout import hold_out_classes
from workbench.plugin import ClassificationTask, Predictor, RecipeError, class_embeddings

if TYPE_CHECKING:
    from adapters._heads.sweep import SweepResult

MARGIN = "seen_margin"


def restricted_to_seen(tasks: Sequence[ClassificationTask]) -> list[FewShot]:
    """Tasks restricted to their seen classes, with a holdout where there are enough of these."""
    shots = few_shots([task.restricted(task.seen) for task in tasks])
    for shot, task in zip(shots, tasks, strict=True):
        shot.all_classes = AllClasses(task.seen, class_embeddings(task.model, task.prompts.sentences("ensemble")))
        holdout = hold_out_classes(task, task.seen)
        if holdout is not None:
            (shot.holdout,) = few_shots([holdout.task.restricted(holdout.task.seen)])
            text = class_embeddings(task.model, holdout.task.prompts.sentences("ensemble"))
            shot.holdout.all_classes = AllClasses(holdout.task.seen, text, holdout)
    return shots


def graded_on_holdout(batch: TaskBatch, swept: "SweepResult", points: int) -> "SweepResult":
    """Grade every point by the harmonic mean at its best margin, in place of accuracy.

    Args:
        batch: The tasks, each the holdout of another.
        swept: The results of their grid.
        points: Number of the grid's points.
    """
    margins: list[list[float]] = []
    harmonics = []
    for i, shot in enumerate(batch.shots):
        holdout = _all_classes(shot).holdout
        if holdout is None:
            raise RecipeError("hyper-parameters cannot be chosen on a task that has no held-out classes.")
        best = []
        for j in range(points):
            predictor = extended(swept.build(i, j), shot)
            val_scores, holdout_scores = (predictor.scores(part.images) for part in (holdout.task.val, holdout.images))
            best.append(holdout.best_margin(val_scores, holdout_scores))
        margins.append([margin for margin, _ in best])
        harmonics.append([harmonic for _, harmonic in best])

    def fitted_values(i: int, j: int) -> Setting:
        return {**swept.fitted_values(i, j), MARGIN: margins[i][j]}

    accuracy = torch.tensor(harmonics, dtype=swept.accuracy.dtype, device=swept.accuracy.device)
    return replace(
        swept, accuracy=accuracy, fitted_values=fitted_values, curves=None, measure="harmonic_accuracy"
    )  # fmt: skip


def extended(predictor: Predictor, shot: FewShot, margin: float = 0.0) -> SavedArrays:
    """A predictor of a task's seen classes as one of all."""
    if not isinstance(predictor, SavedArrays):
        raise RecipeError(f"a {type(predictor).__name__} knows no classes that training does not have.")
    classes = _all_classes(shot)
    return predictor.extended(classes.seen, classes.text, margin)


def _all_classes(shot: FewShot) -> AllClasses:
    if shot.all_classes is None:
        raise RecipeError("a task was not restricted to the classes that training has.")
    return shot.all_classes
