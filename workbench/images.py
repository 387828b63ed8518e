"""Images as a recipe sees them: features or pixels in a fixed order, never paths, ids or the split they come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import WorkbenchError

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

    def __add__(self, other: "Features") -> "Features":
        return Features(*map(np.concatenate, ((self.pooled, other.pooled), (self.projected, other.projected))))


@dataclass(frozen=True)
class Tiles:
    """Windows of images, image after image.

    Attributes:
        images: The r windows as images of their own; they have `places`.
        owner: int64 (r,), the image that each was cut from, ascending.
    """

    images: "ImageSet"
    owner: AnyArray


class ImageSet:
    """Images without labels, in a fixed order.

    Args:
        count: Number of images.
        features: Called at most once, at the first use of features.
        decode: Returns image `i` as RGB, upright by its EXIF orientation.
        places: Called at most once; see `ImageSet.places`.
        cut: Called with rows and the n of `ImageSet.tiles`.
    """

    def __init__(
        self,
        count: int,
        features: Callable[[], Features],
        decode: Callable[[int], "Image"],
        *,
        places: Callable[[], FloatArray] | None = None,
        cut: Callable[[AnyArray, int], Tiles] | None = None,
    ) -> None:
        self._count = count
        self._load_features = features
        self._decode = decode
        self._load_places = places
        self._cut = cut

    def __len__(self) -> int:
        return self._count

    @cached_property
    def features(self) -> Features:
        """Features of the run's model for all images (cached on disk by the engine)."""
        return self._load_features()

    def decode(self, index: int) -> "Image":
        """Image `index` as RGB PIL image, upright."""
        return self._decode(index)

    @cached_property
    def places(self) -> FloatArray | None:
        """The place of each in the picture that it was cut from; None where they are whole pictures.

        float32 (n, 4): left, top, right, bottom as shares of the picture's width and height.
        """
        return None if self._load_places is None else self._load_places()

    def tiles(self, n: int) -> Tiles:
        """Windows that cover each image, overlapping by half: about n times n, near to square whatever its shape.

        Their features are cached on disk by the engine, which computes them before `fit_image_text` where
        `ImageTextRecipe.tiles` says n.

        Raises:
            WorkbenchError: These are windows or boxes themselves, or images of no dataset.
        """
        if self._cut is None:
            raise WorkbenchError("These images cannot be cut into tiles: only whole images of a dataset can.")
        return self._cut(np.arange(self._count), n)

    def __add__(self, other: "ImageSet") -> "ImageSet":
        """The images of both, these first."""

        def features() -> Features:
            return self.features + other.features

        n = len(self)
        return ImageSet(n + len(other), features, lambda i: self.decode(i) if i < n else other.decode(i - n))

    def subset(self, index: Sequence[int] | AnyArray) -> "ImageSet":
        """The images at `index`, in that order."""
        rows = np.asarray(index, dtype=np.int64)
        places, cut = self._load_places, self._cut
        return ImageSet(
            len(rows),
            lambda: self.features.take(rows),
            lambda i: self.decode(int(rows[i])),
            places=None if places is None else lambda: np.asarray(self.places)[rows],
            cut=None if cut is None else lambda part, n: cut(rows[part], n),
        )
