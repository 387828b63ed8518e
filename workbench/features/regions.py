"""Candidate boxes of images as pictures of their own: cut out, or marked within what surrounds them."""

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.features._protocols import WholeImages
from workbench.features._shard import KEY_BYTES

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")
Context = Literal["crop", "blur", "circle"]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Surroundings:
    """How boxes become pictures.

    Attributes:
        context: See `cut_out`.
        margin: Likewise.
    """

    context: Context = "crop"
    margin: float = 0.1


_KEPT = 4  # Decoded images; the boxes of one image come one after the other.


class Regions:
    """Boxes of a dataset's images, as `extract` wants images.

    A region's key is a hash of its image's content hash, its box and the margin, so that features of a region that
    several datasets, instructions or runs share are computed once, and a hit decodes nothing.

    Args:
        images: The images that hold the boxes.
        rows: The image of each region.
        boxes: Left, top, right, bottom in pixels of the upright image.
        context: Surroundings of a region, see `cut_out`.
        margin: See `cut_out`.
    """

    def __init__(
        self, images: WholeImages, rows: Sequence[int], boxes: Sequence[Box], context: Context, margin: float
    ) -> None:
        self._images = images
        self._rows = np.asarray(rows, dtype=np.int64)
        self._boxes = list(boxes)
        self.context: Context = context
        self._margin = margin
        self._whole = lru_cache(maxsize=_KEPT)(self._decode_whole)

    def __len__(self) -> int:
        return len(self._boxes)

    def hashes(self, rows: AnyArray) -> AnyArray:
        """uint8 (n, 32); zeros where the image could not be read."""
        image_hashes = self._images.hashes(self._rows[rows])
        region_hashes = np.zeros((len(image_hashes), KEY_BYTES), dtype=np.uint8)
        for i in np.flatnonzero(image_hashes.any(axis=1)).tolist():
            place = struct.pack("<4qd", *self._boxes[int(rows[i])], self._margin)
            digest = hashlib.blake2b(image_hashes[i].tobytes() + place, digest_size=KEY_BYTES).digest()
            region_hashes[i] = np.frombuffer(digest, dtype=np.uint8)
        return region_hashes

    def ids(self, rows: AnyArray) -> list[str]:
        """The image's name and the box."""
        names = self._images.ids(self._rows[rows])
        return [f"{name}, box {self._boxes[int(row)]}" for name, row in zip(names, rows, strict=True)]

    def read(self, row: int) -> bytes:
        """Encoded bytes of the whole image."""
        return self._images.read(int(self._rows[row]))

    def decode(self, row: int) -> "Image":
        """The region as a picture; raises as `with_picture`."""
        return cut_out(self._whole(int(self._rows[row])), self._boxes[row], self.context, self._margin)

    def with_picture(self, row: int, use: "Callable[[Image], T]") -> T:
        """See `ImageSource.with_picture`; the last whole images are kept."""
        return use(self.decode(row))

    def with_pixels(self, row: int, use: Callable[[AnyArray], T]) -> T:
        """See `ImageSource.with_pixels`."""
        return use(np.array(self.decode(row)))

    def places(self) -> FloatArray:
        """Boxes as float32 (n, 4) shares of the width and height of their images, without the margin."""
        sizes = {int(row): self._images.size(int(row)) for row in np.unique(self._rows)}
        shares = [as_shares([box], sizes[int(row)]) for row, box in zip(self._rows, self._boxes, strict=True)]
        return np.concatenate([np.empty((0, 4), np.float32), *shares])

    def _decode_whole(self, row: int) -> "Image":
        return self._images.with_picture(row, lambda image: image)


def as_shares(boxes: Sequence[Box], size: tuple[int, int]) -> FloatArray:
    """Boxes in pixels as shares of width and height, float32 (n, 4)."""
    width, height = size
    scale = np.array([width, height, width, height], dtype=np.float32)
    return np.asarray(np.array(boxes, dtype=np.float32).reshape(-1, 4) / scale, dtype=np.float32)


def cut_out(image: "Image", box: Box, context: Context, margin: float) -> "Image":
    """A region of an image as a picture of its own.

    `crop` cuts out the box; `blur` keeps the whole image, blurred outside of the box; `circle` keeps the whole image
    and draws a red ellipse about the box (Shtedritski et al., "What does CLIP know about a red circle?", ICCV 2023).

    Args:
        image: RGB.
        box: Left, top, right, bottom in pixels; clipped to the image.
        context: See above.
        margin: By how much of its width and height the box is widened on each side.

    Raises:
        DataError: The box lies outside of the image.
    """
    from PIL import Image, ImageDraw, ImageFilter

    wide = _widened(box, image.size, margin)
    if context == "crop":
        return image.crop(wide)
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    if context == "blur":
        draw.rectangle((wide[0], wide[1], wide[2] - 1, wide[3] - 1), fill=255)
        return Image.composite(image, image.filter(ImageFilter.GaussianBlur(max(image.size) / 25)), mask)
    width = max(1, round(max(image.size) / 100))
    draw.ellipse((wide[0], wide[1], wide[2] - 1, wide[3] - 1), outline=255, width=width)
    return Image.composite(Image.new("RGB", image.size, (255, 0, 0)), image, mask)


def cut_out_pixels(pixels: AnyArray, box: Box, around: Surroundings) -> AnyArray:
    """`cut_out` of pixels, uint8 (h, w, 3), which is a view of them where the box alone is taken."""
    from PIL import Image

    if around.context == "crop":
        left, top, right, bottom = _widened(box, (pixels.shape[1], pixels.shape[0]), around.margin)
        return pixels[top:bottom, left:right]
    return np.array(cut_out(Image.fromarray(pixels), box, around.context, around.margin))


def _widened(box: Box, size: tuple[int, int], margin: float) -> Box:
    left, top, right, bottom = box
    x, y = round(margin * (right - left)), round(margin * (bottom - top))
    widened = (max(0, left - x), max(0, top - y), min(size[0], right + x), min(size[1], bottom + y))
    if widened[2] <= widened[0] or widened[3] <= widened[1]:
        raise DataError(f"box {box} lies outside of its image of {size[0]} x {size[1]} pixels")
    return widened
