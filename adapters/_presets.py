"""`preset = "paper"`: the training budget that a paper published, in place of the quick default."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypeVar

import numpy as np

from workbench import ClassificationTask, FitReport, RecipeConfig

C = TypeVar("C", bound=RecipeConfig)

Preset = Literal["quick", "paper"]


def with_published(config: C, published: Mapping[str, Any]) -> C:
    """Settings with those of the paper where the user has set none."""
    return config.model_copy(update={key: own for key, own in published.items() if key not in config.model_fields_set})


def reported(report: FitReport, config: RecipeConfig, published: Mapping[str, Any]) -> FitReport:
    """A report that says which settings the preset stood for."""
    return replace(report, chosen={**report.chosen, **{key: getattr(config, key) for key in published}})


def shots_of(task: ClassificationTask) -> int:
    """Training images a class; where all are taken, the mean over classes that have any, rounded."""
    if task.shots is not None:
        return task.shots
    sizes = task.train.labels.sum(axis=0) if task.multi_label else np.bincount(task.train.labels)
    present = sizes[sizes > 0]
    return max(1, round(float(present.mean()))) if len(present) else 1
