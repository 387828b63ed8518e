"""The images of a dataset that are trained on, and the texts that are true of each."""

from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np

from workbench.adaptation.config import TrainedOn
from workbench.arrays import BoolArray, IntArray
from workbench.datasets import Dataset
from workbench.errors import DataError

_WINDOWS = {"parquet": 4096}
"""Kinds of source that read more than the image asked for, and neighbours whose row groups their cache holds."""


class TrainingPairs:
    """The training images of one dataset that have a text.

    Labels are read where they become texts; nothing else of them is used.

    Args:
        dataset: The dataset.
        source: Its entry in the adaptation's file.
        left_out: Content hashes of images that are measured somewhere, and so not trained on.

    Attributes:
        rows: int64 (n,), rows of the dataset in the order in which its source reads them fastest.
        leaked: Number of training images that are left out for that.

    Raises:
        DataError: There is no training image with a text of the kinds asked for.
    """

    def __init__(self, dataset: Dataset, source: TrainedOn, left_out: frozenset[bytes] = frozenset()) -> None:
        self.dataset, self.source = dataset, source
        self._check_kinds()
        rows = np.sort(dataset.rows("train"))
        rows = rows[~dataset.manifest.lacks_content[rows]]
        measured = np.array([digest.tobytes() in left_out for digest in dataset.hashes(rows)], np.bool_)
        self.leaked = int(measured.sum())
        rows = rows[~measured]
        self.rows: IntArray = rows[self._have_texts(rows)]
        if not len(self.rows):
            raise DataError(
                f"dataset {dataset.name!r}: no training image has a text of the kind {' or '.join(source.texts)!r}, so "
                "there is nothing to learn from."
            )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def window(self) -> int | None:
        """Neighbours that are shuffled together, see `order`."""
        return self.source.window or _WINDOWS.get(self.dataset.card.source.type)

    def texts(self, index: int) -> tuple[str, ...]:
        """The texts that are true of image `index`, different and at least one."""
        return self._texts_of_row(int(self.rows[index]))

    def _texts_of_row(self, row: int) -> tuple[str, ...]:
        found: list[str] = []
        for kind in self.source.texts:
            if kind == "captions":
                found += self.dataset.captions([row])[0]
            elif kind == "taxonomy":
                found += self._named(self._taxon(row))
            else:
                for label in self._labels_of_row(row):
                    found += self._sentences[kind][label]
        return tuple(dict.fromkeys(found))

    def _have_texts(self, rows: IntArray) -> BoolArray:
        found = np.zeros(len(rows), np.bool_)
        for kind in self.source.texts:
            if kind == "captions":
                found |= np.array([bool(texts) for texts in self.dataset.captions(rows)], np.bool_)
            elif kind == "taxonomy":
                found |= np.array([bool(self._taxon(int(row))) for row in rows], np.bool_)
            else:
                labels = self.dataset.labels(rows)
                found |= labels >= 0 if labels.ndim == 1 else np.nan_to_num(labels).any(axis=1)
        return found

    def _labels_of_row(self, row: int) -> Sequence[int]:
        labels = self.dataset.labels([row])[0]
        if np.ndim(labels):
            return np.flatnonzero(np.nan_to_num(labels)).tolist()
        return [int(labels)] if labels >= 0 else []

    @cached_property
    def _sentences(self) -> dict[str, list[list[str]]]:
        prompts = self.dataset.prompts
        return {"names": prompts.sentences("ensemble"), "descriptions": prompts.sentences("descriptions")}

    def _taxon(self, row: int) -> str:
        values, label = self.dataset.extra([row])[0], self.dataset.card.columns.label
        parts = []
        for rank in self.source.taxonomy:
            value = values.get(rank)
            if value is None and rank == label:
                keys = [self.dataset.class_keys[i] for i in self._labels_of_row(row)]
                value = keys[0] if keys else None
            parts += [str(value).strip()] if value is not None and str(value).strip() else []
        return " ".join(parts)

    @cached_property
    def _named(self) -> "_Filled":
        return _Filled(self.dataset.card.prompts.templates)

    def _check_kinds(self) -> None:
        dataset, kinds = self.dataset, self.source.texts
        if {"names", "descriptions"} & set(kinds) and not dataset.class_names:
            raise DataError(
                f"dataset {dataset.name!r}: has no classes whose names could be texts; texts = 'captions', or name the "
                "label's column in its card."
            )
        rows = dataset.rows("train")[:1]
        known = {*dataset.extra(rows)[0], dataset.card.columns.label or ""} if len(rows) else set()
        for rank in self.source.taxonomy if len(rows) else ():
            if rank not in known:
                raise DataError(
                    f"dataset {dataset.name!r}: taxonomy names the column {rank!r}, which its source lacks or its card "
                    f"uses otherwise; there are: {', '.join(sorted(known - {''})) or 'none'}."
                )


class _Filled:
    """Templates filled with a name; few names come again and again."""

    def __init__(self, templates: Sequence[str]) -> None:
        self._templates = templates
        self._fill = lru_cache(maxsize=4096)(self._filled)

    def __call__(self, name: str) -> tuple[str, ...]:
        return self._fill(name) if name else ()

    def _filled(self, name: str) -> tuple[str, ...]:
        return tuple(template.replace("{}", name) for template in self._templates)
