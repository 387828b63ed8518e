"""What a request holds: images, texts and boxes, decoded within the limits."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import UploadFile

from workbench.arrays import AnyArray
from workbench.datasets.card_pixels import Pixels
from workbench.datasets.images import image_size
from workbench.datasets.pixel_arrays import with_pixels
from workbench.datasets.unreadable import MissingExtraError, UnreadableImageError
from workbench.errors import DataError
from workbench.formatting import counted
from workbench.serving.limits import Limits
from workbench.texts import shown


def images_of(uploads: Sequence[UploadFile], pixels: Pixels, limits: Limits) -> list[AnyArray]:
    """The images as uint8 (h, w, 3), upright.

    Args:
        uploads: Encoded files.
        pixels: The settings of the run's card.
        limits: See there.

    Raises:
        DataError: There are too many, one is too large, or cannot be read; says which.
    """
    if len(uploads) > limits.images:
        raise DataError(f"images: {len(uploads)} in one request, and {limits.images} may be (--max-images).")
    return [_decoded(upload, i, pixels, limits) for i, upload in enumerate(uploads)]


def _decoded(upload: UploadFile, position: int, pixels: Pixels, limits: Limits) -> AnyArray:
    data = upload.file.read()
    what = f"images: number {position} ({shown(upload.filename or 'without a name', 80)})"
    if not data:
        raise DataError(f"{what}: the file is empty.")
    try:
        width, height = image_size(data, pixels)
        if width * height > limits.pixels:
            raise DataError(f"{what}: {width} x {height} pixels are more than {limits.pixels:,} (--max-pixels).")
        return with_pixels(data, np.array, pixels)
    except (UnreadableImageError, MissingExtraError) as error:
        raise DataError(f"{what}: {error}.") from error


def texts_of(texts: Sequence[str], limits: Limits) -> list[str]:
    """The texts; raises `DataError` where there are too many, or one is too long or empty."""
    if len(texts) > limits.texts:
        raise DataError(f"texts: {len(texts)} in one request, and {limits.texts} may be.")
    for i, text in enumerate(texts):
        if not text.strip():
            raise DataError(f"texts: number {i} is empty.")
        if len(text) > limits.characters:
            raise DataError(f"texts: number {i} has {len(text):,} characters, and {limits.characters:,} may be.")
    return list(texts)


def boxes_of(text: str | None, limits: Limits) -> list[Any] | None:
    """Boxes of one image from JSON; None where there is none.

    Raises:
        DataError: It is no list, or a longer one than may be.
    """
    if text is None:
        return None
    try:
        boxes = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"boxes: is no JSON ({error}); expected [[left, top, right, bottom], ...] in pixels."
        ) from error
    if not isinstance(boxes, list):
        raise DataError("boxes: expected [[left, top, right, bottom], ...] in pixels.")
    if len(boxes) > limits.boxes:
        raise DataError(f"boxes: there are {counted(len(boxes), 'box', 'boxes')}, and {limits.boxes} may be.")
    return boxes
