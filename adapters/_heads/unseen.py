"""Classes without images: heads are fitted to the others alone, and get these from their text afterwards.

Hyper-parameters that are best on seen classes may leave nothing to the unseen. So both they and the margin are chosen
in rehearsal: some seen classes are hidden, and what counts is the harmonic mean of accuracies on hidden and other ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from adapters._heads.choice import Setting
from adapters._heads.data import FewShot, Stack, Wider, few_shots
from adapters._heads.predictors import SavedArrays
from adapters._unseen import rehearse
from workbench.plugin import ClassificationTask, Predictor, RecipeError, class_embeddings

if TYPE_CHECKING:
    from adapters._heads.candidates import Swept

MARGIN = "seen_margin"


def narrowed(tasks: Sequence[ClassificationTask]) -> list[FewShot]:
    """Tasks reduced to their seen classes, with what rehearses them."""
    own = few_shots([task.restricted(task.seen) for task in tasks])
    for shot, task in zip(own, tasks, strict=True):
        shot.wider = Wider(task.seen, class_embeddings(task.model, task.prompts.sentences("ensemble")))
        found = rehearse(task, task.seen)
        if found is not None:
            (shot.rehearsal,) = few_shots([found.task.restricted(found.task.seen)])
            text = class_embeddings(task.model, found.task.prompts.sentences("ensemble"))
            shot.rehearsal.wider = Wider(found.task.seen, text, found)
    return own


def rehearsed(batch: Stack, swept: "Swept", points: int) -> "Swept":
    """Grade every point by the harmonic mean at its best margin, in place of accuracy.

    Args:
        batch: The tasks, all of them rehearsals.
        swept: What their grid gave.
        points: Number of the grid's points.
    """
    margins: list[list[float]] = []
    harmonics = []
    for i, shot in enumerate(batch.shots):
        rehearsal = _classes_around(shot).rehearsal
        if rehearsal is None:
            raise RecipeError("a task is to be rehearsed whose classes were all shown.")
        own = []
        for j in range(points):
            predictor = widened(swept.build(i, j), shot)
            known, held = (predictor.scores(part.images) for part in (rehearsal.task.val, rehearsal.held))
            own.append(rehearsal.best_margin(known, held))
        margins.append([margin for margin, _ in own])
        harmonics.append([harmonic for _, harmonic in own])

    def found(i: int, j: int) -> Setting:
        return {**swept.found(i, j), MARGIN: margins[i][j]}

    accuracy = torch.tensor(harmonics, dtype=swept.accuracy.dtype, device=swept.accuracy.device)
    return replace(swept, accuracy=accuracy, found=found, curves=None, measure="harmonic_accuracy")


def widened(predictor: Predictor, shot: FewShot, margin: float = 0.0) -> SavedArrays:
    """A predictor of a task's seen classes as one of all."""
    if not isinstance(predictor, SavedArrays):
        raise RecipeError(f"a {type(predictor).__name__} knows no classes that training does not have.")
    around = _classes_around(shot)
    return predictor.widened(around.seen, around.text, margin)


def _classes_around(shot: FewShot) -> Wider:
    if shot.wider is None:
        raise RecipeError("a task was not narrowed to the classes that training has.")
    return shot.wider
