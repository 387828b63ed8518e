"""Thumbnails of images, by which near duplicates are found: kept when images are decoded for features."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from workbench.arrays import AnyArray, BoolArray, IntArray
from workbench.cores import usable_cores
from workbench.datasets.thumbnails import thumbnail
from workbench.errors import DataError
from workbench.features._protocols import ImageSource
from workbench.features._writer import Writer
from workbench.features.extraction import Progress
from workbench.features.store import FeatureStore

_CHUNK = 256


def known_thumbnails(dataset: ImageSource, rows: IntArray, store: FeatureStore) -> tuple[BoolArray, AnyArray]:
    """Which images have a thumbnail in the store, bool (n,), and those, uint8 (n, 256); zeros for others."""
    table = store.thumbnails()
    located = table.find(np.ascontiguousarray(dataset.hashes(rows)))
    return located.found, table.gather(located, "grey")


def add_thumbnails(
    dataset: ImageSource, rows: IntArray, store: FeatureStore, *, workers: int = 0, progress: Progress | None = None
) -> None:
    """Decode the images that have no thumbnail yet: those whose features are of an earlier version, or of elsewhere.

    Args:
        dataset: The images.
        rows: Those to decode; unreadable ones are passed over.
        store: Takes the thumbnails.
        workers: Threads that decode; 0 takes one per usable core.
        progress: Called with (done, total); not called when nothing is missing.

    Raises:
        CacheError: The store cannot be written; earlier commits stay.
    """
    known, _ = known_thumbnails(dataset, rows, store)
    missing = rows[~known]
    missing = missing[np.unique(dataset.hashes(missing), axis=0, return_index=True)[1]]
    keys = np.ascontiguousarray(dataset.hashes(missing))
    with Writer(store.thumbnails(), store.shard_rows, store.shard_seconds) as writer:
        for done, part in _decoded(dataset, missing, keys, workers):
            writer.add([key for key, _ in part], {"grey": np.stack([small for _, small in part])} if part else {})
            if progress is not None:
                progress(done, len(missing))


def _decoded(
    dataset: ImageSource, rows: IntArray, keys: AnyArray, workers: int
) -> Iterator[tuple[int, list[tuple[bytes, AnyArray]]]]:
    """How many are done, and key and thumbnail of the readable ones among the last."""

    def one(row: int) -> AnyArray | None:
        try:
            return dataset.with_picture(row, thumbnail)
        except (DataError, OSError):
            return None

    with ThreadPoolExecutor(workers or usable_cores()) as pool:
        for start in range(0, len(rows), _CHUNK):
            part = range(start, min(start + _CHUNK, len(rows)))
            small = pool.map(one, rows[part].tolist())
            yield part.stop, [(keys[i].tobytes(), own) for i, own in zip(part, small, strict=True) if own is not None]
