"""One dataset with one model: the rows, images and features that tasks give to recipes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import NoReturn

import numpy as np

from workbench.arrays import IntArray
from workbench.datasets import Dataset
from workbench.datasets.card_sources import SplitName
from workbench.datasets.card_writing import card_to_toml, without_absolute_paths
from workbench.datasets.reading import ChosenImages
from workbench.datasets.roles import ROLES
from workbench.errors import DataError, RecipeError
from workbench.features import CachedModel, Extraction, FeatureStore, extract
from workbench.features.tiles import Tiler
from workbench.features.views import EVAL
from workbench.formatting import format_share
from workbench.images import ImageSet
from workbench.models import Encoder
from workbench.recipes import RunSpec
from workbench.tasks.few_shot import MAX_VALIDATION_SHOTS, sample_shots
from workbench.tasks.near_duplicates import NearDuplicates
from workbench.tasks.split_rows import Part, SplitRows

Progress = Callable[[int, int], None]
_KEPT_ROWS = 50_000
READING_ORDER: tuple[Part, ...] = ("test", "val", "train", "unlabelled")
"""Small splits first: one with too many unreadable images is refused before the next is read."""


@dataclass
class TaskData:
    """Gives a task its images; a split with too many unreadable ones is refused.

    Attributes:
        dataset: The dataset.
        encoder: The model.
        store: The features' store.
        device: Resolved device.
        max_unreadable: Share of a split that may be unreadable.
        workers: Decoding threads; 0 means one per core.
        unreadable: Row to reason, for every image read so far.
        extract_seconds: Time spent on computing features.
        corrupt_shards: Shards of the store that were damaged and recomputed.
        duplicates: Near duplicates across splits, shared by all models on the dataset; None if they are not looked for.
    """

    dataset: Dataset
    encoder: Encoder
    store: FeatureStore
    device: str
    max_unreadable: float = 0.01
    workers: int = 0
    unreadable: dict[int, str] = field(default_factory=dict)
    extract_seconds: float = 0.0
    corrupt_shards: list[str] = field(default_factory=list)
    duplicates: NearDuplicates | None = None
    _last: dict[bytes, Extraction] = field(default_factory=dict)
    _samples: dict[tuple[str, int, int], IntArray] = field(default_factory=dict)

    @cached_property
    def model(self) -> CachedModel:
        """The model as recipes see it, with a store of its own: this one's tables hold features of test images."""
        return CachedModel(self.encoder, self.store.apart())

    @property
    def duplicate_notes(self) -> tuple[str, ...]:
        """Sentences about near duplicates across splits, as far as images have been read."""
        return self.duplicates.notes if self.duplicates else ()

    def look_for_duplicates(self, rows: Sequence[SplitRows], progress: Progress | None = None) -> tuple[str, ...]:
        """Compare the images that runs have read, and return sentences that were not said before.

        Args:
            rows: Readable rows of runs.
            progress: Called with (done, total) while images are decoded that have no thumbnail yet.
        """
        if self.duplicates is None:
            return ()
        read = [run_rows.seen(part) for run_rows in rows for part in READING_ORDER]
        return self.duplicates.look(np.unique(np.concatenate(read)), progress)

    @cached_property
    def card_toml(self) -> str:
        """The dataset's card, as it goes into every run record."""
        pseudonyms = self.dataset.pseudonyms
        return card_to_toml(without_absolute_paths(self.dataset.card, pseudonyms.of if pseudonyms else None))

    def split(self, spec: RunSpec) -> tuple[IntArray, IntArray, IntArray]:
        """Rows of train, validation and test that a run can take.

        Raises:
            DataError: The test split is empty, or the train split of a recipe that trains.
        """
        train, val, test = (self.dataset.rows(split) for split in ROLES)
        if len(test) == 0:
            raise DataError(f"dataset {self.dataset.name!r}: the test split is empty.")
        if spec.shots != 0 and len(train) == 0:
            raise DataError(
                f"dataset {self.dataset.name!r}: the train split is empty, and recipe {spec.recipe!r} needs it."
            )
        return train, val, test

    def chosen(self, spec: RunSpec, train: IntArray, val: IntArray, test: IntArray) -> SplitRows:
        """The rows of a run; of a recipe that reads nothing, those whose files have content."""
        if spec.factory.reads == "nothing":
            # Which images can be decoded is not known without reading them.
            return SplitRows(self.with_content(train), self.with_content(val), test, labels_only=True)
        return SplitRows(train, val, test)

    def with_content(self, rows: IntArray) -> IntArray:
        """Rows without those whose files are known to be missing, empty or unreadable."""
        return rows[~self.dataset.manifest.lacks_content[rows]]

    def unlabelled_rows(self, spec: RunSpec) -> IntArray:
        """Rows that a run's recipe is given without labels; none where it asks for none.

        Raises:
            DataError: It asks for some, and the dataset has none.
        """
        rows = self.dataset.unlabelled_rows
        if not spec.unlabelled:
            return rows[:0]
        if len(rows) == 0:
            how = "they are those of the train split, which is empty"
            if self.dataset.card.splits.by == "domain":
                how = (
                    "splits.unlabelled = 0.5 in the card would keep half of the target's images apart from test for it"
                )
            name = self.dataset.name
            raise DataError(f"dataset {name!r}: recipe {spec.recipe!r} needs unlabelled images, and has none: {how}.")
        return rows

    def class_shots(self, spec: RunSpec) -> SplitRows:
        """The rows of a run with so many training images a class, each sample drawn once for all recipes."""
        train, val, test = self.split(spec)
        if spec.shots == 0:
            return SplitRows(train[:0], val[:0], test)
        if spec.shots is not None:
            train = self._sample("train", spec.shots, spec.seed)
            val = self._sample("val", min(spec.shots, MAX_VALIDATION_SHOTS), spec.seed)
        return self.chosen(spec, train, val, test)

    def total_shots(
        self, spec: RunSpec, count: int | None, together: Mapping[str, Sequence[Sequence[int]]] | None = None
    ) -> SplitRows:  # fmt: skip
        """The rows of a run with so many training images in all, for items without classes.

        Validation has as many at most. Each sample is drawn once for all recipes, and a larger one at the same seed
        contains the smaller.

        Args:
            spec: The run.
            count: Number of images to draw, or of members of `together`; None takes all.
            together: Rows of `train` and `val` that are drawn together, by split; each by itself if None.

        Raises:
            DataError: See `split`.
        """
        if spec.shots == 0:
            return self.class_shots(spec)
        full, lacks = self.class_shots(replace(spec, shots=None)), self.dataset.manifest.lacks_content

        def drawn(split: SplitName) -> IntArray:
            rows = self.dataset.rows(split)
            units = [[row] for row in rows.tolist()] if together is None else together[split]
            complete = [members for members in units if not lacks[members].any()]
            order = np.random.default_rng([spec.seed, len(rows)]).permutation(len(complete))
            return rows[np.isin(rows, [row for i in order[:count] for row in complete[i]])]

        return full if count is None else replace(full, train=drawn("train"), val=drawn("val"))

    def _sample(self, split: SplitName, shots: int, seed: int) -> IntArray:
        if (split, shots, seed) not in self._samples:
            rows = self.with_content(self.dataset.rows(split))
            self._samples[split, shots, seed] = rows[sample_shots(self.dataset.labels_to_draw(rows), shots, seed)]
        return self._samples[split, shots, seed]

    def readable_rows(
        self, requested: Sequence[SplitRows], prepare: Callable[[IntArray], None]
    ) -> list[SplitRows]:  # fmt: skip
        """Read the images of some runs, and leave out unreadable ones.

        Too many unreadable images are refused as early as they are known: those whose files are missing or empty before
        anything is computed, those that cannot be decoded before the next split.

        Args:
            requested: Rows of each run.
            prepare: Computes the features of rows that the store lacks.

        Raises:
            DataError: More than `max_unreadable` of a split's images cannot be read; names the first.
        """
        for split in READING_ORDER:
            rows = self._all_rows(split)
            if any(len(run_rows.seen(split)) for run_rows in requested):
                self._refuse(split, len(rows), rows[self.dataset.manifest.lacks_content[rows]].tolist())
        for split in READING_ORDER:
            prepare(np.concatenate([run_rows.seen(split) for run_rows in requested]))
            for run_rows in requested:
                self._refuse(split, len(run_rows.seen(split)), self._unreadable(run_rows.seen(split)))
        return [self.readable(run_rows) for run_rows in requested]

    def _all_rows(self, part: Part) -> IntArray:
        return self.dataset.unlabelled_rows if part == "unlabelled" else self.dataset.rows(part)

    def count_missing(self, rows: IntArray) -> int:
        """Number of rows whose features the store lacks; a file without content has none, and lacks none."""
        hashes = self.dataset.hashes(rows)
        return int((hashes.any(axis=1) & ~self.store.images(self.encoder, EVAL).has(hashes)).sum())

    def prepare(self, rows: IntArray, progress: Progress | None = None) -> None:
        """Compute the features of rows that the store lacks, and note which images are unreadable."""
        if len(rows):
            self._extract(np.unique(rows), progress)

    def prepare_tiles(self, rows: IntArray, n: int, progress: Progress | None = None) -> None:
        """Compute the features of readable images' tiles that the store lacks; see `ImageTextRecipe.tiles`."""
        tiler = Tiler(ChosenImages(self.dataset, rows), self.encoder, self.store, self.workers)
        for extraction in tiler.prepare(np.arange(len(rows)), n, progress):
            self.note(extraction)

    def readable(self, rows: SplitRows) -> SplitRows:
        """Leave out the images that were found to be unreadable."""
        bad = {part: self._unreadable(rows.seen(part)) for part in READING_ORDER}
        readable_rows = {part: getattr(rows, part)[~np.isin(getattr(rows, part), bad[part])] for part in READING_ORDER}
        return replace(rows, **readable_rows, unreadable=tuple(sorted(set(chain(*bad.values())))))

    def _unreadable(self, rows: IntArray) -> list[int]:
        return [row for row in rows.tolist() if row in self.unreadable]

    def _refuse(self, split: Part, total: int, bad: Sequence[int]) -> None:
        if len(bad) <= self.max_unreadable * total:
            return
        raise DataError(
            f"dataset {self.dataset.name!r}: {len(bad)} of {total} {split} images cannot be read, more "
            f"than the {format_share(self.max_unreadable)} that --max-unreadable allows; the first is "
            f"{self.dataset.ids(bad[:1])[0]} ({self.unreadable.get(bad[0]) or self._why(bad[0])})."
        )

    def _why(self, row: int) -> str:
        """Why a file has no content."""
        try:
            return "" if self.dataset.read(row) else "the file is empty"
        except DataError as error:
            return str(error).rstrip(".")

    def images(self, rows: IntArray, *, unseen: bool = False) -> ImageSet:
        """Images without labels. They give no access to other images of the dataset or to labels.

        Args:
            rows: Their rows.
            unseen: The images are not read, and a recipe that asks for features or pixels is refused.
        """
        if unseen:
            return ImageSet(len(rows), _refused, _refused)
        features, chosen = self._extract(rows).features, ChosenImages(self.dataset, rows)
        cut = Tiler(chosen, self.encoder, self.store, self.workers)
        return ImageSet(len(rows), lambda: features, chosen.decode, cut=cut)

    def note(self, extraction: Extraction) -> None:
        """Add up an extraction's seconds and damaged shards."""
        self.extract_seconds += extraction.seconds
        self.corrupt_shards += extraction.corrupt_shards

    def _extract(self, rows: IntArray, progress: Progress | None = None) -> Extraction:
        key = rows.tobytes()
        if key in self._last:
            return self._last[key]
        extraction = extract(
            self.dataset, rows, self.encoder, self.store, workers=self.workers, thumbnails=True, progress=progress
        )
        self.note(extraction)
        bad = rows[~extraction.readable]
        self.unreadable.update(zip(bad.tolist(), (reason for _, reason in extraction.unreadable), strict=True))
        # The test split comes back for every run, few-shot samples for every recipe; more would only fill the memory.
        self._last[key] = extraction
        while len(self._last) > 4 and sum(len(last.readable) for last in self._last.values()) > _KEPT_ROWS:
            self._last.pop(next(iter(self._last)))
        return extraction


def _refused(*_: object) -> NoReturn:
    raise RecipeError('the recipe says that it reads "nothing" (Recipe.reads), so it is given no features or pixels.')
