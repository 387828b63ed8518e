"""Label the images of a folder by sentences about classes, without any training."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from workbench.arrays import normalise
from workbench.errors import WorkbenchError
from workbench.features import CachedModel, FeatureStore
from workbench.features.unlabelled import extract_folder
from workbench.labelling.class_lists import ClassList
from workbench.labelling.rules import LabelRules, label_rows
from workbench.metrics.functional import softmax
from workbench.models import Encoder
from workbench.models.class_embeddings import class_embeddings
from workbench.settings import Settings

TEMPLATES = ("a photo of a {}.", "a photo of the {}.", "{}")


def label_folder(
    folder: Path,
    encoder: Encoder,
    classes: ClassList,
    settings: Settings,
    rules: LabelRules | None = None,
    *,
    templates: Sequence[str] = TEMPLATES,
    progress: Callable[[int, int], None] | None = None,
    notes: list[str] | None = None,
    only: Collection[str] | None = None,
) -> list[dict[str, Any]]:
    """A row for each image below a folder, see `label_rows`.

    Probabilities are the softmax of the model's scaled cosines over the classes that are given: they say which of these
    fits best, and not how likely it is that any of them fits.

    Args:
        folder: Searched recursively.
        encoder: The model.
        classes: What the images may show.
        settings: Give the cache and the number of workers.
        rules: How probabilities become answers.
        templates: Sentences around names, each with `{}`.
        progress: Called with (done, total) while features are computed.
        notes: Gains sentences about other files of the folder.
        only: Relative paths of the images to label; None labels all.

    Raises:
        DataError: There is no such folder, or no image in it.
    """
    store = FeatureStore.of(settings)
    found = extract_folder(folder, encoder, store, workers=settings.workers, only=only, progress=progress)
    if notes is not None:
        notes += found.notes
    model, files = CachedModel(encoder, store), found.readable_files
    weights = class_embeddings(model, classes.sentences(templates))
    cosines = normalise(found.readable.features.projected) @ weights.T
    probabilities = softmax(float(model.logit_scale) * cosines) if files else cosines
    return label_rows(files, probabilities, classes.names, rules or LabelRules(), dict(found.extraction.unreadable))


def check_templates(templates: Sequence[str]) -> None:
    """Refuse sentences without a place for the name.

    Raises:
        WorkbenchError: It names the first.
    """
    for template in templates:
        if "{}" not in template:
            raise WorkbenchError(f"--template {template!r}: expected a sentence that holds {{}} for the name.")
