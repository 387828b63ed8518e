"""The images that are searched: rows of a dataset with their features, block by block."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from workbench.arrays import AnyArray, FloatArray, IntArray, normalise
from workbench.datasets import Dataset
from workbench.datasets.roles import SplitChoice
from workbench.errors import DataError
from workbench.features import FeatureStore, extract
from workbench.models import Encoder

Progress = Callable[[int, int], None]

BLOCK = 65_536
"""Rows that are in memory at once where the gallery is too large to keep."""
KEEP_BYTES = 1 << 30
"""A gallery whose features take less is kept in memory between searches."""


@dataclass
class Gallery:
    """Readable images of a dataset, ready to be searched. Build it with `open_gallery`.

    Attributes:
        dataset: The dataset.
        encoder: The model.
        store: The feature store.
        split: Split of the dataset.
        rows: int64 (n,) rows of the dataset; a position in the gallery is one in this array.
        unreadable: Name and reason of every image that is left out.
        keep_bytes: Bound on the memory for kept features.
        block: Rows read at once.
    """

    dataset: Dataset
    encoder: Encoder
    store: FeatureStore
    split: SplitChoice
    rows: IntArray
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    keep_bytes: int = KEEP_BYTES
    block: int = BLOCK
    _kept: FloatArray | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def bytes(self) -> int:
        """Size of all features in float32."""
        return 4 * len(self.rows) * int(self.encoder.embed_dim)

    def blocks(self) -> Iterator[tuple[int, FloatArray]]:
        """Position of each block's first row, and its features, of unit norm."""
        with self._lock:  # Visitors of the dashboard share a gallery; its features are read once.
            if self._kept is None and self.bytes <= self.keep_bytes:
                self._kept = self.features(0, len(self.rows))
        for start in range(0, len(self.rows), self.block):
            stop = min(start + self.block, len(self.rows))
            yield start, self.features(start, stop) if self._kept is None else self._kept[start:stop]

    def features(self, start: int, stop: int) -> FloatArray:
        """Features of the rows at positions start..stop, float32 (n, d), of unit norm."""
        table = self.store.images(self.encoder)
        located = table.find(np.ascontiguousarray(self.dataset.hashes(self.rows[start:stop])))
        features = table.gather(located, "projected")
        if np.isnan(features).any():
            raise DataError(
                f"dataset {self.dataset.name!r}: features went missing from the cache while it was searched; search "
                "again, and they are computed anew."
            )
        return normalise(features)

    def fingerprint(self) -> str:
        """Hex digest of the model and of the images in their order."""
        digest = hashlib.sha256(self.encoder.fingerprint.encode())
        digest.update(np.ascontiguousarray(self.dataset.hashes(self.rows)).tobytes())
        return digest.hexdigest()


def open_gallery(
    dataset: Dataset,
    encoder: Encoder,
    store: FeatureStore,
    split: SplitChoice = "all",
    *,
    workers: int = 0,
    progress: Progress | None = None,
) -> Gallery:
    """The images of a split, features computed where the store lacks them.

    Images with equal bytes are one image. When all features are stored, no weights are loaded.

    Args:
        dataset: The dataset.
        encoder: The model.
        store: The feature store.
        split: `all` takes train, val and test.
        workers: Decoding threads; 0 means one per core.
        progress: Called with (done, total) while features are computed.

    Raises:
        DataError: The split is empty, or none of its images can be read.
    """
    rows = dataset.rows(split)
    if not len(rows):
        raise DataError(f"dataset {dataset.name!r}: there is no image in split {split!r} to search.")
    rows = rows[different_images(dataset.hashes(rows))]
    readable, unreadable = [], []
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        extraction = extract(dataset, part, encoder, store, workers=workers, thumbnails=True, progress=progress)
        readable.append(part[extraction.readable])
        unreadable += extraction.unreadable
    kept = np.concatenate(readable)
    if not len(kept):
        name, reason = unreadable[0]
        raise DataError(f"dataset {dataset.name!r}: none of its {len(rows)} images can be read; {name}: {reason}.")
    return Gallery(dataset, encoder, store, split, kept, unreadable)


def different_images(hashes: AnyArray) -> IntArray:
    """The first row of each distinct content, ascending.

    Args:
        hashes: uint8 (n, 32); rows of zeros are images that cannot be read, and each of them counts.
    """
    _, first = np.unique(hashes, axis=0, return_index=True)
    return np.union1d(first, np.flatnonzero(~hashes.any(axis=1))).astype(np.int64)
