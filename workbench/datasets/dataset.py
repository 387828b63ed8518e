"""A dataset that is open: its rows by split, and encoded images by row."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, IntArray
from workbench.datasets.card import DatasetCard
from workbench.datasets.manifest import Manifest
from workbench.datasets.sources import Record, Source
from workbench.errors import DataError
from workbench.registry import closest
from workbench.tasks.prompts import ClassPrompts

SPLITS = ("train", "val", "test")


class Dataset:
    """A card with its manifest and source. Rows are positions in the manifest.

    Args:
        card: The card.
        manifest: The list of images.
        source: Reads encoded bytes.
        descriptions: Sentences by raw label or class name, from the card's descriptions file.

    Raises:
        DataError: A label is not among the card's classes, or an image of a labelled task has no label.
    """

    def __init__(
        self,
        card: DatasetCard,
        manifest: Manifest,
        source: Source,
        descriptions: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.card = card
        self.manifest = manifest
        self._source = source
        self._descriptions = descriptions or {}
        names = card.classes or manifest.class_names
        seen = {label for record in manifest.records for label in record.labels}
        self.class_keys: tuple[str, ...] = tuple(names) if names else tuple(sorted(seen))
        self.class_names: tuple[str, ...] = tuple(names.values()) if names else self.class_keys
        self._check_labels(seen)

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    def _record(self, row: int) -> Record:
        return self.manifest.records[row]

    def _check_labels(self, seen: set[str]) -> None:
        unknown = sorted(seen - set(self.class_keys))
        if unknown:
            record = next(r for r in self.manifest.records if unknown[0] in r.labels)
            raise DataError(
                f"dataset {self.name!r}: {record.id} has the label {unknown[0]!r}, which the card's [classes] lacks."
                f"{closest(unknown[0], self.class_keys)}"
            )
        if self.card.task == "classification" and not self.card.multi_label:
            wrong = next((r for r in self.manifest.records if len(r.labels) != 1), None)
            if wrong is not None:
                raise DataError(
                    f"dataset {self.name!r}: {wrong.id} has {len(wrong.labels)} labels; a single-label classification "
                    f"needs one each (columns.label is {self.card.columns.label!r}; or set multi_label = true)."
                )

    def rows(self, split: str) -> IntArray:
        """Rows of `train`, `val` or `test`, in manifest order."""
        return self._rows_by_split[split]

    @cached_property
    def _rows_by_split(self) -> dict[str, IntArray]:
        splits = np.array([record.split for record in self.manifest.records])
        return {name: np.flatnonzero(splits == name).astype(np.int64) for name in SPLITS}

    def labels(self, rows: Sequence[int] | AnyArray) -> AnyArray:
        """int64 (n,) class indices; bool (n, n_classes) for a multi-label card."""
        index = {key: i for i, key in enumerate(self.class_keys)}
        own = [[index[label] for label in self._record(row).labels] for row in rows]
        if not self.card.multi_label:
            return np.array([each[0] for each in own], dtype=np.int64)
        hot = np.zeros((len(own), len(self.class_keys)), dtype=np.bool_)
        for i, each in enumerate(own):
            hot[i, each] = True
        return hot

    def groups(self, rows: Sequence[int] | AnyArray) -> IntArray | None:
        """int64 (n,) group codes, equal across splits; None if the card names no groups.

        An image without a group is a group of its own.
        """
        if not self._group_codes:
            return None
        first_free = len(self._group_codes)
        codes = [self._group_codes.get(self._record(row).group or "", first_free + int(row)) for row in rows]
        return np.array(codes, dtype=np.int64)

    @cached_property
    def _group_codes(self) -> dict[str, int]:
        names = sorted({record.group for record in self.manifest.records if record.group})
        return {name: code for code, name in enumerate(names)}

    def group_names(self, rows: Sequence[int] | AnyArray) -> list[str | None]:
        """The groups as the source names them."""
        return [self._record(row).group for row in rows]

    def captions(self, rows: Sequence[int] | AnyArray) -> list[tuple[str, ...]]:
        """Captions of each image; an image may have none or several."""
        return [self._record(row).captions for row in rows]

    def ids(self, rows: Sequence[int] | AnyArray) -> list[str]:
        """Names of the images, by default their path in the source."""
        return [self._record(row).id for row in rows]

    def extra(self, rows: Sequence[int] | AnyArray) -> list[Mapping[str, Any]]:
        """Columns of the source that the card does not use."""
        return [self._record(row).extra for row in rows]

    def hashes(self, rows: Sequence[int] | AnyArray) -> AnyArray:
        """uint8 (n, 32): hash of each image's encoded bytes."""
        return self.manifest.hashes[np.asarray(rows, dtype=np.int64)]

    def read(self, row: int) -> bytes:
        """Encoded bytes of one image; safe to call from several threads."""
        return self._source.read(self._record(row).location)

    @cached_property
    def prompts(self) -> ClassPrompts:
        """Templates and descriptions by class name."""
        own = self.card.prompts.descriptions
        by_name = {}
        for key, name in zip(self.class_keys, self.class_names, strict=True):
            texts = (*own.get(name, ()), *(own.get(key, ()) if key != name else ()))
            from_file = self._descriptions.get(key) or self._descriptions.get(name) or ()
            if texts or from_file:
                by_name[name] = (*texts, *from_file)
        return ClassPrompts(self.class_names, self.card.prompts.templates, by_name)

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of all that determines results: contents, labels, splits, groups, captions, names, prompts."""
        prompts = self.prompts
        head = [self.class_keys, self.class_names, prompts.templates, dict(prompts.descriptions), self.card.multi_label]
        digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
        digest.update(self.manifest.hashes.tobytes())
        rows = [[r.labels, r.split, r.group, r.captions] for r in self.manifest.records]
        digest.update(json.dumps(rows).encode())
        return digest.hexdigest()

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a reader of results must know: made splits, empty classes, labels that train lacks, divided groups."""
        notes = list(self.manifest.notes)
        by_split = {
            split: {label for row in self.rows(split) for label in self._record(row).labels} for split in SPLITS
        }
        empty = [k for k in self.class_keys if not any(k in seen for seen in by_split.values())]
        if empty:
            notes.append(f"{len(empty)} of {len(self.class_keys)} classes have no image: {_some(empty)}.")
        untrained = sorted(by_split["test"] - by_split["train"])
        if untrained:
            notes.append(f"{len(untrained)} classes of test have no training image: {_some(untrained)}.")
        divided = divided_groups(self)
        if divided:
            notes.append(f"{len(divided)} groups stand in more than one split: {_some(divided)}.")
        return tuple(notes)


def divided_groups(dataset: Dataset) -> list[str]:
    """Groups that stand in more than one split."""
    seen: dict[str, set[str | None]] = {}
    for record in dataset.manifest.records:
        if record.group:
            seen.setdefault(record.group, set()).add(record.split)
    return sorted(group for group, splits in seen.items() if len(splits) > 1)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
