"""Windows that cover images, as pictures of their own, so that a text can be compared with a part of an image."""

import math
from collections.abc import Iterator

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.features._protocols import ImageEncoder, WholeImages
from workbench.features.extraction import Extraction, Progress, extract
from workbench.features.regions import Box, Regions, as_shares
from workbench.features.store import FeatureStore
from workbench.images import ImageSet, Tiles

_IMAGES = 2000  # Whose tiles are prepared together.


class Tiler:
    """Cuts images into windows, and computes or finds the windows' features.

    Args:
        images: The images.
        encoder: The model.
        store: The feature store. Each call takes tables of its own, so that what holds a tiler holds no features but
            those of its own images.
        workers: Threads that read and decode; 0 takes one per usable core.
    """

    def __init__(self, images: WholeImages, encoder: ImageEncoder, store: FeatureStore, workers: int = 0) -> None:
        self._images, self._encoder, self._workers = images, encoder, workers
        self._store = store.apart()

    def __call__(self, rows: AnyArray, n: int) -> Tiles:
        """See `ImageSet.tiles`.

        Raises:
            DataError: An image cannot be read any more.
        """
        owner, boxes, shares = self._cut(rows, n)
        regions = self._regions(rows[owner], boxes)
        extraction = self._extract(regions)
        if extraction.unreadable:
            raise DataError("{} cannot be read any more: {}.".format(*extraction.unreadable[0]))
        windows = ImageSet(len(boxes), lambda: extraction.features, regions.decode, places=lambda: shares)
        return Tiles(windows, owner)

    def prepare(self, rows: AnyArray, n: int, progress: Progress | None = None) -> Iterator[Extraction]:
        """Compute what the store lacks, some images at a time: the features of all tiles may not fit into memory."""
        for start in range(0, len(rows), _IMAGES):
            batch = rows[start : start + _IMAGES]
            owner, boxes, _ = self._cut(batch, n)
            yield self._extract(self._regions(batch[owner], boxes), progress)

    def _cut(self, rows: AnyArray, n: int) -> tuple[AnyArray, list[Box], FloatArray]:
        sizes = [self._images.size(int(row)) for row in rows]
        boxes_of_images = [tile_boxes(size, n) for size in sizes]
        owner = np.repeat(np.arange(len(rows)), [len(boxes) for boxes in boxes_of_images])
        shares = [as_shares(boxes, size) for boxes, size in zip(boxes_of_images, sizes, strict=True)]
        return (
            owner,
            [box for boxes in boxes_of_images for box in boxes],
            np.concatenate([np.empty((0, 4), np.float32), *shares]),
        )

    def _regions(self, rows: AnyArray, boxes: list[Box]) -> Regions:
        return Regions(self._images, rows.tolist(), boxes, "crop", 0.0)

    def _extract(self, regions: Regions, progress: Progress | None = None) -> Extraction:
        return extract(
            regions, np.arange(len(regions)), self._encoder, self._store.apart(), view=regions.context,
            workers=self._workers, progress=progress,
        )  # fmt: skip


def tile_boxes(size: tuple[int, int], n: int) -> list[Box]:
    """Windows that cover a picture, each overlapping its neighbours by half.

    There are about n * n of them, more along the longer edge so that each is near to a square: models see squares. Of
    pictures longer than n * n times their width they are longer, too.

    Args:
        size: Width and height, pixels.
        n: Windows along an edge of a square picture, at least 1.

    Returns:
        Row by row.
    """
    width, height = size
    columns, rows = (min(max(1, round(n * math.sqrt(ratio))), n * n) for ratio in (width / height, height / width))
    return [
        (left, top, right, bottom) for top, bottom in _spans(height, rows) for left, right in _spans(width, columns)
    ]


def _spans(length: int, count: int) -> list[tuple[int, int]]:
    """Beginnings and ends of `count` windows of 2 / (count + 1) of a length."""
    cuts = [round(i * length / (count + 1)) for i in range(count + 2)]
    begins = [min(cut, length - 1) for cut in cuts[:count]]
    return [(begin, max(begin + 1, end)) for begin, end in zip(begins, cuts[2:], strict=True)]
