"""Near duplicates across splits, among the images of a dataset that runs have read."""

from dataclasses import dataclass

import numpy as np

from workbench.arrays import IntArray
from workbench.datasets import Dataset
from workbench.datasets.duplicate_notes import duplicate_notes
from workbench.datasets.duplicates import find_duplicates
from workbench.datasets.roles import ROLES
from workbench.features import CacheError, FeatureStore
from workbench.features.extraction import Progress
from workbench.features.thumbnails import add_thumbnails, known_thumbnails


@dataclass
class NearDuplicates:
    """Looks for them again whenever more images have been read.

    Attributes:
        dataset: The dataset.
        store: Holds thumbnails, which were made when images were decoded for features.
        workers: Decoding threads; 0 means one per core.
        notes: Sentences about what was found; empty where nothing was.
    """

    dataset: Dataset
    store: FeatureStore
    workers: int = 0
    notes: tuple[str, ...] = ()
    _known: int = 0

    def look(self, rows: IntArray, progress: Progress | None = None) -> tuple[str, ...]:
        """Compare all images that have been read, and return what was not said before.

        Args:
            rows: Readable images that were just read; those without a thumbnail are decoded for it.
            progress: Called with (done, total) while that is done.
        """
        try:
            add_thumbnails(self.dataset, rows, self.store, workers=self.workers, progress=progress)
        except CacheError:  # It may only be read, and was filled by an earlier version: no reason to fail.
            return ()
        split = np.full(len(self.dataset), -1)
        for code, role in enumerate(ROLES):
            split[self.dataset.rows(role)] = code
        everyone = np.arange(len(self.dataset))
        known, thumbnails = known_thumbnails(self.dataset, everyone, self.store)
        known &= split >= 0
        if int(known.sum()) == self._known:
            return ()
        self._known = int(known.sum())
        duplicates = find_duplicates(self.dataset.hashes(everyone), thumbnails, known, split)
        before, self.notes = self.notes, tuple(duplicate_notes(self.dataset, duplicates))
        return tuple(note for note in self.notes if note not in before)
