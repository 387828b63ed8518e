"""Zero-shot classification: class names and descriptions as the classifier's weights.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (ICML 2021), section 3.1.4: the
weight of a class is the renormalised mean of its sentences' normalised embeddings. Sentences that describe a class
follow Menon and Vondrick, "Visual Classification via Description from Large Language Models" (ICLR 2023).
"""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from workbench import (
    ClassificationTask,
    FitReport,
    LinearClassifier,
    Recipe,
    RecipeConfig,
    class_embeddings,
    normalise,
)


class ZeroShotConfig(RecipeConfig):
    """Settings of `zero-shot`.

    Attributes:
        prompts: `single` (the card's first template), `ensemble` (all of them), `descriptions` (the card's sentences
            about each class; classes without one use the first template), or `mix` of ensemble and descriptions.
        description_weight: Share of the descriptions in `mix`, 0..1.
    """

    prompts: Literal["single", "ensemble", "descriptions", "mix"] = "ensemble"
    description_weight: float = Field(default=0.5, ge=0, le=1)


class ZeroShot(Recipe[ZeroShotConfig]):
    """Compare image and class embeddings; nothing is trained."""

    Config: ClassVar[type[RecipeConfig]] = ZeroShotConfig
    trains: ClassVar[bool] = False
    multi_label: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> LinearClassifier:
        """Embed the sentences."""
        kind, notes = self.config.prompts, []
        missing = [name for name in task.class_names if not task.prompts.descriptions.get(name)]
        if kind in {"descriptions", "mix"} and missing:
            notes.append(f"{len(missing)} of {task.n_classes} classes have no description; a template stands in.")
        if kind == "mix":
            share = self.config.description_weight
            ensemble = class_embeddings(task.model, task.prompts.sentences("ensemble"))
            described = class_embeddings(task.model, task.prompts.sentences("descriptions"))
            weight = normalise((1 - share) * ensemble + share * described)
        else:
            weight = class_embeddings(task.model, task.prompts.sentences(kind))
        bias = np.full(task.n_classes, task.model.logit_bias, dtype=np.float32)
        return LinearClassifier(weight, bias, scale=task.model.logit_scale, report=FitReport(notes=tuple(notes)))
