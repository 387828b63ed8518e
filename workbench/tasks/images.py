"""Images as a recipe sees them: features or pixels in a fixed order, never paths, ids or the split they come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, FloatArray

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Features:
    """Image features of one model, not normalised.

    Attributes:
        pooled: shape (n, d_pooled), before the projection into the joint space.
        projected: shape (n, d), in the joint space.
    """

    pooled: FloatArray
    projected: FloatArray

    def __len__(self) -> int:
        return len(self.projected)

    def take(self, index: AnyArray) -> "Features":
        """The rows at `index`."""
        return Features(self.pooled[index], self.projected[index])


class ImageSet:
    """Images without labels, in a fixed order.

    Args:
        count: Number of images.
        features: Called at most once, when features are first asked for.
        decode: Returns image `i` as RGB, upright by its EXIF orientation.
    """

    def __init__(self, count: int, features: Callable[[], Features], decode: Callable[[int], "Image"]) -> None:
        self._count = count
        self._load_features = features
        self._decode = decode

    def __len__(self) -> int:
        return self._count

    @cached_property
    def features(self) -> Features:
        """Features of the run's model for all images (cached on disk by the engine)."""
        return self._load_features()

    def decode(self, index: int) -> "Image":
        """Image `index` as RGB PIL image, upright."""
        return self._decode(index)

    def subset(self, index: Sequence[int] | AnyArray) -> "ImageSet":
        """The images at `index`, in that order."""
        rows = np.asarray(index, dtype=np.int64)
        return ImageSet(len(rows), lambda: self.features.take(rows), lambda i: self.decode(int(rows[i])))
