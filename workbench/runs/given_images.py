"""Images that a program hands to a finished run: arrays, pictures of Pillow's, paths, or several of them."""

from collections.abc import Iterable, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.card_pixels import Pixels
from workbench.datasets.images import decode_image
from workbench.datasets.unreadable import UnreadableImageError
from workbench.errors import DataError
from workbench.features.regions import Box, Surroundings, as_shares, cut_out_pixels
from workbench.features.tiles import tile_boxes
from workbench.images import Features, ImageSet, Tiles
from workbench.inputs import read_bytes
from workbench.models import Encoder

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

GivenImages: TypeAlias = Any
"""uint8 (h, w, 3), (h, w) or (n, h, w, 3); a picture of Pillow's; a path; or several, in any mixture."""


def read_given(images: GivenImages, pixels: Pixels) -> list[AnyArray]:
    """Each image as upright RGB, uint8 (h, w, 3).

    Args:
        images: See `GivenImages`.
        pixels: How files of more than 8 bits are read, as of the run's card.

    Raises:
        DataError: There is none, one is of another kind or shape, or a file cannot be read; says which.
    """
    is_one = images.ndim != 4 if isinstance(images, np.ndarray) else isinstance(images, str | PathLike)
    is_one = is_one or _is_picture(images) or not isinstance(images, Iterable)
    several: list[Any] = [images] if is_one else list(images)
    if not several:
        raise DataError("images: there is none; give at least one.")
    return [_read(image, i, pixels) for i, image in enumerate(several)]


def image_set(arrays: list[AnyArray], encoder: Encoder) -> ImageSet:
    """As recipes see images; features are computed when they are asked for, and kept nowhere."""
    return ImageSet(
        len(arrays),
        lambda: _encoded(arrays, encoder),
        lambda i: _picture(arrays[i]),
        cut=lambda rows, n: _tiles([arrays[int(row)] for row in rows], n, encoder),
    )


def region_set(
    arrays: Sequence[AnyArray], boxes: Sequence[Sequence[Box]], around: Surroundings, encoder: Encoder
) -> ImageSet:  # fmt: skip
    """Boxes of images as images of their own, image after image, with their `places`.

    Args:
        arrays: The images.
        boxes: Those of each image, within its edges.
        around: How they are cut out.
        encoder: The model.

    Raises:
        DataError: A box lies outside of its image.
    """
    pairs = [(array, box) for array, own in zip(arrays, boxes, strict=True) for box in own]
    parts = [cut_out_pixels(array, box, around) for array, box in pairs]
    shares = [as_shares(own, _size(array)) for array, own in zip(arrays, boxes, strict=True)]
    places = np.concatenate([np.empty((0, 4), np.float32), *shares])
    return ImageSet(
        len(parts), lambda: _encoded(parts, encoder), lambda i: _picture(parts[i]), places=lambda: places
    )  # fmt: skip


def _tiles(arrays: Sequence[AnyArray], n: int, encoder: Encoder) -> Tiles:
    boxes = [tile_boxes(_size(array), n) for array in arrays]
    owner = np.repeat(np.arange(len(arrays)), [len(own) for own in boxes])
    return Tiles(region_set(arrays, boxes, Surroundings("crop", 0.0), encoder), owner)


def _size(array: AnyArray) -> tuple[int, int]:
    return array.shape[1], array.shape[0]


def _encoded(arrays: Sequence[AnyArray], encoder: Encoder) -> Features:
    import torch

    transform = encoder.pixel_transform

    def prepared(array: AnyArray) -> "Tensor":
        return encoder.preprocess(_picture(array)) if transform is None else transform(array)

    size, parts = max(1, encoder.batch_size) if len(arrays) > 1 else 1, []
    for start in range(0, len(arrays), size):
        batch = torch.stack([prepared(array) for array in arrays[start : start + size]])
        # 8-bit pixels stay in the order in which they lie in memory, channels last.
        parts.append(encoder.encode_images(batch if transform is None else batch.permute(0, 3, 1, 2)))
    return Features(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("pooled", "projected")))


def _read(image: Any, position: int, pixels: Pixels) -> AnyArray:
    if isinstance(image, str | PathLike):
        return _from_file(Path(fspath(image)).expanduser(), pixels)
    if _is_picture(image):
        return _from_picture(image)
    array = np.asarray(image)
    if array.dtype == np.uint8 and array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise DataError(
            f"images: number {position} is {array.dtype} of shape {array.shape}, expected uint8 (height, width, 3) in "
            "RGB, or (height, width); scale other values to 0..255 yourself, since only you know their range."
        )
    # torch warns of arrays that cannot be written to, though nothing writes.
    return np.require(array, requirements=["C", "W"])


def _from_file(path: Path, pixels: Pixels) -> AnyArray:
    try:
        return np.array(decode_image(read_bytes(path), pixels))
    except UnreadableImageError as error:
        raise DataError(f"{path}: {error}.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error


def _from_picture(picture: "Image") -> AnyArray:
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    return np.array((picture if upright is None else upright).convert("RGB"))


def _is_picture(value: Any) -> bool:
    from PIL import Image

    return isinstance(value, Image.Image)


def _picture(array: AnyArray) -> "Image":
    from PIL import Image

    return Image.fromarray(array)
