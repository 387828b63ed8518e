"""Build `Choices` for recipes from items of matching and grounding, and the items' names for the engine."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.datasets import Dataset
from workbench.images import ImageSet
from workbench.tasks.choices.candidates import Choices
from workbench.tasks.groups import group_codes


@dataclass(frozen=True)
class ItemNames:
    """Names of the items of `Choices`: the image's id with a number, the image, and the text or texts."""

    ids: tuple[str, ...]
    images: tuple[str, ...]
    texts: tuple[str, ...]
    groups: tuple[str | None, ...]


class ChoicesBuilder:
    """Collects items into `Choices`."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._number: dict[str, int] = {}
        self._pairs: list[tuple[int, int]] = []
        self._item: list[int] = []
        self._is_correct: list[bool] = []
        self._categories: list[str] = []
        self._rows: list[int] = []
        self._texts: list[str] = []

    def add(
        self, row: int, candidates: Sequence[tuple[int, str]], is_correct: Sequence[bool], category: str, text: str
    ) -> None:
        """One item of the image in a row of the dataset."""
        self._pairs += [(image, self._number.setdefault(text, len(self._number))) for image, text in candidates]
        self._item += [len(self._categories)] * len(candidates)
        self._is_correct += is_correct
        self._categories.append(category)
        self._rows.append(row)
        self._texts.append(text)

    def choices(self, images: ImageSet) -> tuple[Choices, ItemNames]:
        """All items, with their names."""
        seen: dict[int, int] = {}
        ids = []
        names = self._dataset.ids(self._rows)
        for row, name in zip(self._rows, names, strict=True):
            seen[row] = seen.get(row, 0) + 1
            ids.append(f"{name}#{seen[row]}")
        groups = self._groups()
        choices = Choices(
            images,
            tuple(self._number),
            np.array(self._pairs, dtype=np.int64).reshape(-1, 2),
            np.array(self._item, dtype=np.int64),
            np.array(self._is_correct, dtype=np.bool_),
            tuple(self._categories),
            group_codes(groups),
        )
        return choices, ItemNames(tuple(ids), tuple(names), tuple(self._texts), groups)

    def _groups(self) -> tuple[str | None, ...]:
        """The card's groups; where it names none, items with equal images are grouped, if there are any.

        A hard image is hard for all its items, so they are not independent.
        """
        named = self._dataset.group_names(self._rows)
        if any(named):
            return tuple(named)
        contents = [content.tobytes() for content in self._dataset.hashes(self._rows)]
        if len(set(contents)) == len(contents):
            return tuple(named)
        first: dict[bytes, str] = {}
        ids = self._dataset.ids(self._rows)
        return tuple(first.setdefault(content, name) for content, name in zip(contents, ids, strict=True))
