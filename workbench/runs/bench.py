"""One dataset with one model: what a recipe is given, and what only the engine sees."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from workbench.arrays import IntArray
from workbench.datasets import Dataset
from workbench.datasets.card_sources import SplitName
from workbench.datasets.card_writing import card_to_toml
from workbench.datasets.images import decode_image
from workbench.datasets.reading import ChosenImages
from workbench.errors import DataError
from workbench.features import CachedModel, Extraction, FeatureStore, extract
from workbench.features.tiles import Tiler
from workbench.models import Encoder
from workbench.runs.planning import Cell
from workbench.tasks import ClassificationTask, ImageSet, LabelledImages
from workbench.tasks.few_shot import MAX_VALIDATION_SHOTS, sample_shots

Progress = Callable[[int, int], None]
_KEPT_ROWS = 50_000


@dataclass(frozen=True)
class SplitRows:
    """Manifest rows of a run, readable ones only."""

    train: IntArray
    val: IntArray
    test: IntArray


@dataclass
class Bench:
    """Gives each run its images; a split with too many unreadable ones is refused.

    Attributes:
        dataset: The dataset.
        encoder: The model.
        store: Where features are kept.
        device: Resolved device.
        max_unreadable: Share of a split that may be unreadable.
        workers: Decoding threads; 0 means one per core.
        unreadable: Row to reason, for every image met so far.
        extract_seconds: Time that computing features took here.
        corrupt_shards: Shards of the store that were damaged and recomputed.
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
    _last: dict[bytes, Extraction] = field(default_factory=dict)
    _samples: dict[tuple[str, int, int], IntArray] = field(default_factory=dict)

    @cached_property
    def model(self) -> CachedModel:
        """The model as recipes see it, with a store of its own: this one's tables hold features of test images."""
        return CachedModel(self.encoder, FeatureStore(self.store.root.parent))

    @cached_property
    def card_toml(self) -> str:
        """The dataset's card, as it goes into every run record."""
        return card_to_toml(self.dataset.card)

    def wanted(self, cell: Cell) -> SplitRows:
        """The rows that a run touches, unreadable ones included."""
        train, val, test = (self.dataset.rows(split) for split in ("train", "val", "test"))
        if len(test) == 0:
            raise DataError(f"dataset {self.dataset.name!r}: the test split is empty.")
        if cell.shots == 0:
            return SplitRows(train[:0], val[:0], test)
        if len(train) == 0:
            raise DataError(
                f"dataset {self.dataset.name!r}: the train split is empty, and recipe {cell.recipe!r} needs it."
            )
        if cell.shots is not None:
            train = self._sample("train", cell.shots, cell.seed)
            val = self._sample("val", min(cell.shots, MAX_VALIDATION_SHOTS), cell.seed)
        return SplitRows(train, val, test)

    def _sample(self, split: SplitName, shots: int, seed: int) -> IntArray:
        """A few-shot sample; each is drawn once for all recipes."""
        if (split, shots, seed) not in self._samples:
            rows = self.dataset.rows(split)
            self._samples[split, shots, seed] = rows[sample_shots(self.dataset.labels(rows), shots, seed)]
        return self._samples[split, shots, seed]

    def prepare(self, rows: IntArray, progress: Progress | None = None) -> None:
        """Compute the features of rows that the store lacks, and learn which images are unreadable."""
        self._extract(np.unique(rows), progress)

    def prepare_tiles(self, rows: IntArray, n: int, progress: Progress | None = None) -> None:
        """Compute the features of readable images' tiles that the store lacks; see `Recipe.tiles`."""
        tiler = Tiler(ChosenImages(self.dataset, rows), self.encoder, self.store.root.parent, self.workers)
        for found in tiler.prepare(np.arange(len(rows)), n, progress):
            self._note(found)

    def readable(self, wanted: SplitRows) -> SplitRows:
        """Leave unreadable images out.

        Raises:
            DataError: More than `max_unreadable` of a split's images cannot be read; names the first.
        """
        kept = {}
        for split in ("train", "val", "test"):
            rows: IntArray = getattr(wanted, split)
            bad = [int(row) for row in rows if int(row) in self.unreadable]
            if len(bad) > self.max_unreadable * len(rows):
                raise DataError(
                    f"dataset {self.dataset.name!r}: {len(bad)} of {len(rows)} {split} images cannot be read, more "
                    f"than the {self.max_unreadable:.1%} that --max-unreadable allows; the first is "
                    f"{self.dataset.ids(bad[:1])[0]} ({self.unreadable[bad[0]]})."
                )
            kept[split] = rows[~np.isin(rows, bad)]
        return SplitRows(**kept)

    def images(self, rows: IntArray) -> ImageSet:
        """Images without labels. What they hold leads to no other image of the dataset, and to no label."""
        features, chosen = self._extract(rows).features, ChosenImages(self.dataset, rows)
        cut = Tiler(chosen, self.encoder, self.store.root.parent, self.workers)
        return ImageSet(len(rows), lambda: features, lambda i: decode_image(chosen.read(i)), cut=cut)

    def labelled(self, rows: IntArray) -> LabelledImages:
        """Images with labels and groups."""
        return LabelledImages(self.images(rows), self.dataset.labels(rows), self.dataset.groups(rows))

    def task(self, cell: Cell, rows: SplitRows, *, refit: bool) -> ClassificationTask:
        """What the recipe is given. Test rows are not in it."""
        return ClassificationTask(
            dataset=self.dataset.name,
            class_names=self.dataset.class_names,
            prompts=self.dataset.prompts,
            train=self.labelled(rows.train),
            val=self.labelled(rows.val),
            model=self.model,
            multi_label=self.dataset.card.multi_label,
            shots=cell.shots,
            seed=cell.seed,
            device=self.device,
            refit=refit,
            unseen=tuple(self.dataset.unseen_classes.tolist()),
            val_made="val" in self.dataset.made_splits,
        )

    def notes(self, rows: SplitRows) -> list[str]:  # noqa: ARG002
        """What a reader of a run over these rows must know of its items."""
        return []

    def _note(self, found: Extraction) -> None:
        self.extract_seconds += found.seconds
        self.corrupt_shards += found.corrupt_shards

    def _extract(self, rows: IntArray, progress: Progress | None = None) -> Extraction:
        key = rows.tobytes()
        if key in self._last:
            return self._last[key]
        found = extract(self.dataset, rows, self.encoder, self.store, workers=self.workers, progress=progress)
        self._note(found)
        bad = rows[~found.readable]
        self.unreadable.update(zip(bad.tolist(), (reason for _, reason in found.unreadable), strict=True))
        # The test split comes back for every run, few-shot samples for every recipe; more would only fill the memory.
        self._last[key] = found
        while len(self._last) > 4 and sum(len(each.readable) for each in self._last.values()) > _KEPT_ROWS:
            self._last.pop(next(iter(self._last)))
        return found
