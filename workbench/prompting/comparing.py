"""Templates of a card compared by zero-shot on validation images: each alone, and their ensemble."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from workbench.arrays import AnyArray, FloatArray, normalise
from workbench.datasets import Dataset
from workbench.errors import DataError
from workbench.features import CachedModel, FeatureStore
from workbench.features.table import features_of_split
from workbench.metrics import Estimate, PairedDifference, compare_measured, holm
from workbench.models import Encoder
from workbench.prompting.wording import WordingFaults, wording_faults
from workbench.settings import Settings
from workbench.tasks.classification.predictions import ClassPredictions
from workbench.tasks.groups import group_codes


@dataclass(frozen=True)
class TemplateResult:
    """Zero-shot with one template.

    Attributes:
        template: The template.
        estimate: The metric with its interval.
        difference: It minus the ensemble's, paired; None where there is one template alone.
        p_value: Of the difference, Holm-corrected over all templates.
    """

    template: str
    estimate: Estimate
    difference: PairedDifference | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class PromptComparison:
    """How much the wording matters.

    Attributes:
        dataset: The dataset's name.
        model: The model argument.
        metric: The metric's name.
        images: Number of validation images.
        groups: Number of their groups, or None.
        templates: In the order of the card.
        ensemble: All templates together.
        faults: What the tokenizer does to the sentences.
        notes: Sentences about the dataset.
    """

    dataset: str
    model: str
    metric: str
    images: int
    groups: int | None
    templates: tuple[TemplateResult, ...]
    ensemble: Estimate
    faults: WordingFaults
    notes: tuple[str, ...] = ()

    @property
    def values(self) -> AnyArray:
        """Of each template, float64 (n,)."""
        return np.array([each.estimate.value for each in self.templates])

    @property
    def spread(self) -> float:
        """Standard deviation over templates; NaN of one."""
        return float(np.std(self.values, ddof=1)) if len(self.templates) > 1 else float("nan")


def compare_prompts(
    dataset: Dataset,
    encoder: Encoder,
    settings: Settings,
    metric: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PromptComparison:
    """Measure zero-shot with each template of a card, and with all of them, on validation images.

    Test images are not looked at, so that a wording may be chosen by what is found here.

    Args:
        dataset: Of classification, with validation images.
        encoder: A model with a text tower.
        settings: Give the cache.
        metric: A metric of the dataset; by default the one that ranks its runs.
        progress: Called with (done, total) while features are computed.

    Raises:
        DataError: It is no classification, or has no validation images.
        UnknownMetricError: The metric is not measured on the dataset.
        ModelError: The model has no text tower.
    """
    card, prompts = dataset.card, dataset.prompts
    if not card.labels_are_truth:
        raise DataError(f"dataset {dataset.name!r}: templates are of classification, and its task is {card.task!r}.")
    rows, extraction = features_of_split(dataset, encoder, "val", settings, progress)
    readable = np.flatnonzero(extraction.readable)
    if not len(readable):
        raise DataError(
            f"dataset {dataset.name!r}: has no validation images to compare templates on; name a split in splits.val, "
            "or give it training images that one can be made of (splits.val_fraction)."
        )
    rows = rows[readable]
    images = normalise(np.asarray(extraction.features.projected)[readable])
    model = CachedModel(encoder, FeatureStore.of(settings))
    present = _embedded(model, prompts.sentences("ensemble"))
    absent = (
        _embedded(model, prompts.negatives("ensemble")) if card.multi_label and prompts.negative_templates else None
    )
    name = metric or card.primary_metric
    predictions = ClassPredictions(
        dataset.ids(rows), dataset.group_names(rows), dataset.labels(rows), np.zeros((len(rows), 1), np.float32),
        dataset.class_names, dataset.class_keys,
    )  # fmt: skip

    def scores(chosen: FloatArray) -> FloatArray:
        weights = normalise(chosen.mean(axis=1))
        if absent is not None:
            weights = weights - normalise(absent.mean(axis=1))
            return np.asarray(model.logit_scale * images @ weights.T, dtype=np.float32)
        return np.asarray(model.logit_scale * images @ weights.T + model.logit_bias, dtype=np.float32)

    count = len(prompts.templates)
    of_each = [scores(present[:, i : i + 1]) for i in range(count)]
    of_all = scores(present)
    items = replace(predictions, scores=of_all).scores_of(name)
    measured = [items.measured(values[None], name) for values in (*of_each, of_all)]
    differences: list[PairedDifference | None] = [None] * count
    corrected: list[float | None] = [None] * count
    if count > 1:
        found = compare_measured(measured, [(i, count) for i in range(count)])
        differences = [*found]
        corrected = [*map(float, holm(np.array([each.p_value for each in found])))]
    results = tuple(
        TemplateResult(template, own.estimate(), difference, p_value)
        for template, own, difference, p_value in zip(prompts.templates, measured, differences, corrected, strict=False)
    )
    codes = group_codes(predictions.groups)
    return PromptComparison(
        dataset.name, encoder.name, name, len(rows), None if codes is None else int(codes.max()) + 1, results,
        measured[-1].estimate(), wording_faults(encoder, prompts), dataset.notes,
    )  # fmt: skip


def _embedded(model: CachedModel, sentences: list[list[str]]) -> FloatArray:
    """Normalised features of the sentences of each class, float32 (classes, sentences, d)."""
    flat = [text for own in sentences for text in own]
    features = normalise(model.encode_texts(flat))
    return np.asarray(features.reshape(len(sentences), -1, features.shape[1]))
