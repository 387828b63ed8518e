"""Windows at several scales in place of candidate boxes, and maps of how well each place of a picture fits a text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.features.regions import Box
from workbench.features.tiles import tile_boxes

SCALES = (2, 3, 5)
"""Windows along an edge of a square picture, of each scale."""


@dataclass(frozen=True)
class Windows:
    """Windows that cover a picture at several scales.

    Attributes:
        size: Width and height of the picture, pixels.
        boxes: The windows, scale after scale.
        scale: int64 (n,), the scale of each.
    """

    size: tuple[int, int]
    boxes: tuple[Box, ...]
    scale: AnyArray

    @classmethod
    def over(cls, size: tuple[int, int], scales: Sequence[int] = SCALES) -> "Windows":
        """Windows of a picture.

        Args:
            size: Width and height, pixels.
            scales: See `SCALES`; each at least 1.
        """
        by_scale = [tile_boxes(size, n) for n in scales]
        numbers = np.repeat(np.arange(len(by_scale)), [len(boxes) for boxes in by_scale])
        return cls(size, tuple(box for boxes in by_scale for box in boxes), numbers)

    def heat_map(self, scores: AnyArray) -> FloatArray:
        """How well each pixel fits: the mean score of the windows that hold it, of each scale, and of all scales.

        The mean over scales gives a small window as much to say as a large one, of which more hold a pixel.

        Args:
            scores: (n,), one a window.

        Returns:
            float32 (height, width), in the unit of the scores.
        """
        width, height = self.size
        total = np.zeros((height, width))
        for scale in np.unique(self.scale):
            # A corner at each end of a window, summed up along both axes, fills it.
            corners = np.zeros((2, height + 1, width + 1))
            for i in np.flatnonzero(self.scale == scale).tolist():
                left, top, right, bottom = self.boxes[i]
                for layer, value in enumerate((float(scores[i]), 1.0)):
                    corners[layer, [top, bottom], [left, right]] += value
                    corners[layer, [top, bottom], [right, left]] -= value
            sums, counts = corners.cumsum(axis=1).cumsum(axis=2)[:, :height, :width]
            total += sums / np.maximum(counts, 1)
        return np.asarray(total / len(np.unique(self.scale)), dtype=np.float32)


def peak(heat: FloatArray) -> tuple[int, int]:
    """The point (x, y) where a map is highest; the middle of the highest places where there are several.

    Args:
        heat: (height, width).
    """
    rows, columns = np.nonzero(heat >= heat.max() - 1e-6 * max(1.0, float(np.abs(heat).max())))
    middle = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
    return int(columns[middle]), int(rows[middle])
