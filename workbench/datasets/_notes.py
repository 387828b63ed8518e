"""Notes on a dataset for readers of results."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, BoolArray
from workbench.datasets._pixel_notes import pixel_notes
from workbench.datasets.group_columns import column_notes
from workbench.datasets.roles import ROLES
from workbench.formatting import counted

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset


@dataclass(frozen=True)
class IdleClasses:
    """Classes that some numbers cannot be of.

    Attributes:
        empty: Without an image in any split.
        untrained: With validation or test images, but no training image; none where there is no train split at all.
        untested: With training or validation images, but no test image; none where there is no test split at all.
    """

    empty: tuple[str, ...]
    untrained: tuple[str, ...]
    untested: tuple[str, ...]


def idle_classes(dataset: "Dataset", usable: BoolArray) -> IdleClasses:
    """Classes without an image, without a training image, and without a test image, by name.

    Args:
        dataset: The dataset.
        usable: bool (n,), by row; other images are not counted.
    """
    labels = dataset.labels(range(len(dataset)))
    hot = labels if dataset.card.multi_label else labels[:, None] == np.arange(len(dataset.class_names))
    train, val, test = (np.nansum(hot[rows[usable[rows]]], axis=0) for rows in map(dataset.rows, ROLES))

    def names(chosen: AnyArray) -> tuple[str, ...]:
        return tuple(dataset.class_names[i] for i in np.flatnonzero(chosen))

    return IdleClasses(
        empty=names(train + val + test == 0),
        untrained=names((train == 0) & (val + test > 0)) if train.any() else (),
        untested=names((test == 0) & (train + val > 0)) if test.any() else (),
    )


def dataset_notes(dataset: "Dataset") -> tuple[str, ...]:
    """Sentences about made splits, files without content, idle classes, groups, pixels and missing captions."""
    notes = list(dataset.manifest.notes)
    lacking = dataset.manifest.lacks_content
    if lacking.any():
        rows = np.flatnonzero(lacking)
        names = sorted(dataset.ids(rows))
        reason = dataset.why_missing(min(rows.tolist(), key=lambda row: dataset.ids([row])[0]))
        notes.append(
            f"{len(names)} of {len(dataset)} images are missing, empty or cannot be read: {_some(names)}."
            + (f" Of the first, {reason}." if reason else "")
        )
    notes += [f"There is no {split} split." for split in ("train", "test") if not len(dataset.rows(split))]
    if dataset.card.splits.unlabelled:
        notes.append(
            f"{len(dataset.unlabelled_rows)} images of the target are kept apart from test, for recipes that adapt to "
            "images without labels (splits.unlabelled)."
        )
    notes += _unknown_notes(dataset)
    notes += alike_names(dataset.class_names)
    if stray := dataset.stray_descriptions:
        notes.append(
            f"{len(stray)} of the names in {dataset.card.prompts.descriptions_file} are of no class, so their "
            f"descriptions are not read: {_some(stray)}."
        )
    idle, of_all = idle_classes(dataset, ~lacking), f"of {len(dataset.class_names)} classes have no"
    if idle.empty:
        notes.append(f"{len(idle.empty)} {of_all} image: {_some(idle.empty)}.")
    if idle.untrained:
        notes.append(f"{len(idle.untrained)} {of_all} training image: {_some(idle.untrained)}.")
    if idle.untested:
        notes.append(f"{len(idle.untested)} {of_all} test image, so no number tells of them: {_some(idle.untested)}.")
    divided = divided_groups(dataset)
    if divided:
        names = sorted(map(dataset.shown_name, divided))
        notes.append(f"{len(divided)} groups stand in more than one split: {_some(names)}.")
    notes += column_notes(dataset)
    return (*notes, *pixel_notes(dataset), *caption_notes(dataset))


def _unknown_notes(dataset: "Dataset") -> list[str]:
    """A sentence about classes that no recipe is told of."""
    names = dataset.unknown_class_names
    if not names:
        return []
    found = [name is not None for name in dataset.unknown_names(range(len(dataset)))]
    test = sum(name is not None for name in dataset.unknown_names(dataset.rows("test")))
    out = sum(found) - test
    left_out = f"; their {counted(out, 'other image')} {'is' if out == 1 else 'are'} left out" if out else ""
    return [
        f"{test} of {len(dataset.rows('test'))} test images are of {counted(len(names), 'class', 'classes')} that no "
        f"recipe is told of ({_some(names)}; splits.unknown){left_out}. Accuracy and other metrics of classes are of "
        "the rest."
    ]


def alike_names(names: Sequence[str]) -> list[str]:
    """A sentence about class names that differ in capitals, spaces, marks or a hybrid's cross alone."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(_plain(name), []).append(name)
    pairs = [" and ".join(map(repr, same)) for same in alike.values() if len(same) > 1]
    if not pairs:
        return []
    return [
        f"Classes that differ in capitals, spaces or marks alone are different classes: {_some(pairs)}. If they are "
        "one, write them alike."
    ]


def _plain(name: str) -> str:
    """A name without what typists differ in: `Quercus × robur`, `quercus_robur`; `1` and `1.0`."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("×", " ")
    text = re.sub(r"(?<=\s)x(?=\s)", " ", text)
    text = re.sub(r"^(-?\d+)\.0+$", r"\1", text.strip())
    return re.sub(r"[\s_\-]+", " ", text).strip()


def caption_notes(dataset: "Dataset") -> list[str]:
    """A sentence for each split in which images have no caption, where captions are asked for."""
    if not dataset.card.without_caption:
        return []
    notes = []
    for split in ROLES:
        rows = dataset.rows(split)
        bare = sum(not image_captions for image_captions in dataset.captions(rows))
        if bare:
            lack, rest = caption_source(dataset), dataset.card.without_caption
            notes.append(f"{bare} of {len(rows)} {split} images have no {lack} and {rest}.")
    return notes


def caption_source(dataset: "Dataset") -> str:
    """The source of captions, for messages: `caption in column 'caption_ja' (language 'ja')`."""
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


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
