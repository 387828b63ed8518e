"""Encoded bytes to arrays of pixels, for transforms that need no picture of Pillow's."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.card_pixels import Pixels
from workbench.datasets.images import in_room, with_image
from workbench.datasets.plain_jpeg import decode_plain_jpeg, jpeg_header

T = TypeVar("T")


def with_pixels(data: bytes, use: Callable[[AnyArray], T], pixels: Pixels | None = None) -> T:
    """Apply a function to an image's pixels, uint8 (h, w, 3), which are dropped afterwards.

    They are those of `decode_image`, whatever the file; usual JPEGs take a third less time. Otherwise as `with_image`.

    Args:
        data: The encoded file.
        use: Called with the pixels.
        pixels: As for `decode_image`.

    Raises:
        UnreadableImageError: As `decode_image`.
    """
    header = jpeg_header(data) if pixels is None or not (pixels.invert or (pixels.page or 1) > 1) else None
    if header is not None:
        used = in_room(
            header.width * header.height,
            lambda: decode_plain_jpeg(data, header),
            lambda decoded: None if decoded is None else (use(decoded),),
        )
        if used is not None:
            return used[0]
    return with_image(data, lambda image: use(np.array(image)), pixels)
