"""Zero-shot classification: class names and descriptions as the classifier's weights.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (ICML 2021), section 3.1.4: the
weight of a class is the renormalised mean of its sentences' normalised embeddings. Sentences that describe a class
follow Menon and Vondrick, "Visual Classification via Description from Large Language Models" (ICLR 2023). Of several
labels an image each is a pair, present and absent, as in CheXzero (Tiu et al., Nature Biomedical Engineering 2022).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from adapters._thresholds import label_thresholds
from workbench.plugin import (
    AnyArray,
    Choices,
    ClassificationRecipe,
    ClassificationTask,
    FitReport,
    FloatArray,
    GroundingTask,
    ImageTextRecipe,
    ImageTextTask,
    LinearClassifier,
    LinearDualEncoder,
    MatchingTask,
    RecipeConfig,
    RetrievalTask,
    TaskModel,
    class_embeddings,
    metric_keys,
    normalise,
)


class ZeroShotConfig(RecipeConfig):
    """Settings of `zero-shot`.

    Attributes:
        prompts: `single` (the card's first template), `ensemble` (all of them), `descriptions` (the card's sentences
            about each class; classes without one use the first template), or `mix` of ensemble and descriptions.
        description_weight: Share of the descriptions in `mix`, 0..1.
        thresholds: Where images may have several labels: `validation` chooses for each label the score from which on it
            is present, by labels of validation images; `none` leaves scores as the model gives them.
    """

    prompts: Literal["single", "ensemble", "descriptions", "mix"] = "ensemble"
    description_weight: float = Field(default=0.5, ge=0, le=1)
    thresholds: Literal["validation", "none"] = "validation"


class TextClassifier(LinearClassifier):
    """A `LinearClassifier` whose classes are their text alone."""

    def for_classes(self, sentences: Sequence[Sequence[str]], model: TaskModel) -> "TextClassifier":
        """See `Predictor.for_classes`."""
        bias = np.full(len(sentences), model.logit_bias, dtype=np.float32)
        return TextClassifier(class_embeddings(model, sentences), bias, scale=self.scale)


class ZeroShot(ClassificationRecipe[ZeroShotConfig], ImageTextRecipe[ZeroShotConfig]):
    """Compare image and class embeddings; nothing is trained."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = ZeroShotConfig
    fits: ClassVar[tuple[type[ImageTextTask], ...]] = (RetrievalTask, MatchingTask, GroundingTask)
    trains: ClassVar[bool] = False
    multi_label: ClassVar[bool] = True
    masks_labels: ClassVar[bool] = True
    unseen: ClassVar[bool] = True
    chooses_thresholds: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> LinearClassifier:
        """Embed the sentences."""
        prompts, notes = self.config.prompts, []
        missing = [name for name in task.class_names if not task.prompts.descriptions.get(name)]
        if prompts in {"descriptions", "mix"} and missing:
            notes.append(f"{len(missing)} of {task.n_classes} classes have no description; a template stands in.")
        if prompts == "mix":
            share = self.config.description_weight
            ensemble = class_embeddings(task.model, task.prompts.sentences("ensemble"))
            described = class_embeddings(task.model, task.prompts.sentences("descriptions"))
            weight = normalise((1 - share) * ensemble + share * described)
        else:
            weight = class_embeddings(task.model, task.prompts.sentences(prompts))
        bias = np.full(task.n_classes, task.model.logit_bias, dtype=np.float32)
        paired = task.multi_label and bool(task.prompts.negative_templates)
        if paired:
            # The sigmoid of a difference of two logits is the softmax over them.
            weight = weight - class_embeddings(task.model, task.prompts.negatives(prompts))
            bias = np.zeros_like(bias)
        report = FitReport(notes=tuple(notes))
        classifier = TextClassifier(weight, bias, scale=task.model.logit_scale, report=report)
        if task.multi_label and self.config.thresholds == "validation":
            return _with_thresholds(classifier, task, paired=paired)
        return classifier

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> TextClassifier:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return TextClassifier.restore(directory)

    def fit_image_text(self, task: ImageTextTask) -> LinearDualEncoder:
        """The model as it is; of statements, validation says from which similarity on they are taken for true."""
        if not isinstance(task, MatchingTask) or task.form != "statement":
            return LinearDualEncoder(task.model)
        if len(task.val) == 0:
            note = "There is no validation split to choose a threshold on: a logit of at least 0 says true."
            return LinearDualEncoder(task.model, report=FitReport(notes=(note,)))
        logits = task.model.logit_scale * _cosines(LinearDualEncoder(task.model), task.val)
        threshold = _threshold(logits, task.val.is_correct)
        return LinearDualEncoder(task.model, bias=-threshold, report=FitReport(chosen={"threshold": threshold}))


def _with_thresholds(classifier: TextClassifier, task: ClassificationTask, *, paired: bool) -> TextClassifier:
    """The classifier with the threshold of each label at a probability of one half."""
    report = classifier.report
    if len(task.val) == 0:
        note = (
            "There are no validation images to choose thresholds on, so that a label is present from a logit of 0 on."
        )
        classifier.report = replace(report, notes=(*report.notes, note))
        return classifier
    scores = classifier.scores(task.val.images)
    thresholds, undecided = label_thresholds(scores, task.val.labels, 0.0 if paired else None)
    notes = [
        f"The threshold of each of {task.n_classes} labels was chosen on {len(task.val)} labelled validation images "
        "(greatest Matthews correlation)."
    ]
    if undecided:
        names = ", ".join(task.class_names[c] for c in undecided[:5])
        instead = "where presence and absence are equally near" if paired else "the median of the others"
        notes.append(
            f"Nothing could be chosen for {len(undecided)} of them ({names}{', ...' if len(undecided) > 5 else ''}); "
            f"their threshold is {instead}."
        )
    chosen: dict[str, str | int | float | bool] = {
        f"threshold_{name}": round(float(threshold), 4)
        for name, threshold in zip(metric_keys(task.class_names), thresholds, strict=True)
    }
    report = replace(report, chosen=chosen, notes=(*report.notes, *notes))
    return TextClassifier(
        classifier.weight, classifier.bias - thresholds, scale=classifier.scale, report=report
    )  # fmt: skip


def _cosines(model: LinearDualEncoder, items: Choices) -> FloatArray:
    images, texts = (normalise(x) for x in (model.embed_images(items.images), model.embed_texts(items.texts)))
    return np.asarray(np.einsum("pd,pd->p", images[items.pairs[:, 0]], texts[items.pairs[:, 1]]), dtype=np.float32)


def _threshold(scores: FloatArray, truth: AnyArray) -> float:
    """Halfway between two neighbouring scores, where most statements are taken for what they are."""
    order = np.argsort(scores, kind="stable")
    true = truth[order].astype(np.int64)
    # Cutting before position k takes the k lowest for false.
    right = np.concatenate([[0], np.cumsum(1 - true)]) + np.concatenate([np.cumsum(true[::-1])[::-1], [0]])
    ordered = scores[order]
    cuts = np.concatenate([[ordered[0] - 1], (ordered[1:] + ordered[:-1]) / 2, [ordered[-1] + 1]])
    return float(cuts[right.argmax()])
