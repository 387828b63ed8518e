"""What a reader of results must know of a dataset."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.roles import ROLES

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset


def dataset_notes(dataset: "Dataset") -> tuple[str, ...]:
    """Sentences about made splits, empty classes, labels that train lacks, divided groups and missing captions."""
    notes = list(dataset.manifest.notes)
    notes += [f"There is no {split} split." for split in ("train", "test") if not len(dataset.rows(split))]
    counts = {split: dataset.class_counts(split) for split in ROLES}
    empty = _names(dataset, counts["train"] + counts["val"] + counts["test"] == 0)
    if empty:
        notes.append(f"{len(empty)} of {len(dataset.class_names)} classes have no image: {_some(empty)}.")
    untrained = _names(dataset, (counts["test"] > 0) & (counts["train"] == 0))
    if untrained and len(dataset.rows("train")):
        notes.append(f"{len(untrained)} classes of test have no training image: {_some(untrained)}.")
    divided = divided_groups(dataset)
    if divided:
        notes.append(f"{len(divided)} groups stand in more than one split: {_some(divided)}.")
    return (*notes, *caption_notes(dataset))


def caption_notes(dataset: "Dataset") -> list[str]:
    """A sentence for each split of a retrieval or captioning in which images have no caption, in words."""
    task = dataset.card.task
    if task not in {"retrieval", "captioning"}:
        return []
    # A text is looked for among all images, also those of which nothing is said.
    left_out = "are left out" if task == "captioning" else "are asked for no text, but stay among the images to find"
    notes = []
    for split in ROLES:
        rows = dataset.rows(split)
        bare = sum(not said for said in dataset.captions(rows))
        if bare:
            notes.append(f"{bare} of {len(rows)} {split} images have no {caption_source(dataset)} and {left_out}.")
    return notes


def caption_source(dataset: "Dataset") -> str:
    """Where captions come from, for messages: `caption in column 'caption_ja' (language 'ja')`."""
    column, language = dataset.card.columns.caption, dataset.card.language
    where = "description of their class" if column is None else f"caption in column {column!r}"
    return f"{where} (language {language!r})"


def divided_groups(dataset: "Dataset") -> list[str]:
    """Groups that stand in more than one split."""
    seen: dict[str, set[str | None]] = {}
    for record in dataset.manifest.records:
        if record.group:
            seen.setdefault(record.group, set()).add(record.split)
    return sorted(group for group, splits in seen.items() if len(splits) > 1)


def _names(dataset: "Dataset", chosen: AnyArray) -> list[str]:
    return [dataset.class_names[i] for i in np.flatnonzero(chosen)]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
