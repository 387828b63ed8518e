"""Bytes of a source's images to pixels: as all encoded images are, or as the source itself decodes its own format."""

import json
from collections.abc import Callable
from hashlib import blake2b
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.card_sources import SourceTable
from workbench.datasets.images import MAX_PIXELS, UnreadableImageError, decode_image, image_size, in_room, with_image
from workbench.datasets.sources import Location, Source

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")


class Decoder:
    """Pixels of images by their bytes; this one knows the formats of `decode_image`.

    All three methods raise `UnreadableImageError` with the reason alone, and may be called from several threads.
    """

    def keys(self, hashes: AnyArray) -> AnyArray:
        """Keys of the pixels, uint8 (n, 32), for hashes of bytes (n, 32); zeros stay zeros."""
        return hashes

    def image(self, data: bytes, location: Location) -> "Image":  # noqa: ARG002
        """An RGB image with its pixels loaded."""
        return decode_image(data)

    def size(self, data: bytes, location: Location) -> tuple[int, int]:  # noqa: ARG002
        """Width and height of the image, mostly from the header alone."""
        return image_size(data)

    def with_image(self, data: bytes, location: Location, use: "Callable[[Image], T]") -> T:  # noqa: ARG002
        """See `workbench.datasets.images.with_image`."""
        return with_image(data, use)

    def header(self, data: bytes, location: Location, image: "Image") -> tuple[tuple[int, int], str]:  # noqa: ARG002
        """Width and height as they lie in the file, and its format in words (`JPEG RGB`).

        Args:
            data: The bytes.
            location: Their location.
            image: The image decoded from them.
        """
        from PIL import Image

        with Image.open(BytesIO(data)) as image_file:
            return image_file.size, f"{image_file.format} {image_file.mode}"


class OwnDecoder(Decoder):
    """Asks a source that decodes its own format.

    Args:
        source: The source.
        table: The card's table; its rendering settings are part of every key.
    """

    def __init__(self, source: Source, table: SourceTable) -> None:
        self._source = source
        rendering = [table.type, source.version, source.rendering(table)]
        self._rendering = json.dumps(rendering, sort_keys=True, default=str).encode()

    def keys(self, hashes: AnyArray) -> AnyArray:
        """See `Decoder.keys`: equal bytes under another window or version are other pixels."""
        keys = np.zeros_like(hashes)
        for i in np.flatnonzero(hashes.any(axis=1)).tolist():
            digest = blake2b(hashes[i].tobytes() + self._rendering, digest_size=hashes.shape[1]).digest()
            keys[i] = np.frombuffer(digest, dtype=np.uint8)
        return keys

    def image(self, data: bytes, location: Location) -> "Image":
        """See `Decoder.image`."""
        return self.with_image(data, location, lambda image: image)

    def size(self, data: bytes, location: Location) -> tuple[int, int]:
        """See `Decoder.size`."""
        return self._claimed(data, location) or self.with_image(data, location, lambda image: image.size)

    def with_image(self, data: bytes, location: Location, use: "Callable[[Image], T]") -> T:
        """See `Decoder.with_image`; without `Source.size`, the room is guessed from the number of bytes."""
        width, height = self._claimed(data, location) or (len(data), 1)
        return in_room(width * height, lambda: self._decoded(data, location), use)

    def header(self, data: bytes, location: Location, image: "Image") -> tuple[tuple[int, int], str]:  # noqa: ARG002
        """See `Decoder.header`; the format is what the file's name ends in."""
        return image.size, PurePosixPath(location.file).suffix.removeprefix(".").upper() or "unnamed format"

    def _claimed(self, data: bytes, location: Location) -> tuple[int, int] | None:
        try:
            image_size = self._source.size(data, location)
        except Exception as error:  # Headers are as broken as what follows them.
            raise _unreadable(error) from error
        if image_size is not None and image_size[0] * image_size[1] > MAX_PIXELS:
            raise UnreadableImageError(f"{image_size[0]} x {image_size[1]} pixels are more than {MAX_PIXELS:,}")
        return image_size

    def _decoded(self, data: bytes, location: Location) -> "Image":
        from PIL import Image

        if not data:
            raise UnreadableImageError("the file is empty")
        try:
            image = self._source.decode(data, location)
            if not isinstance(image, Image.Image):
                raise TypeError(f"its source decodes it to a {type(image).__name__}, where a PIL image is expected")
            image.load()
            return image.convert("RGB")
        except Exception as error:
            raise _unreadable(error) from error


def _unreadable(error: Exception) -> UnreadableImageError:
    return (
        error if isinstance(error, UnreadableImageError) else UnreadableImageError(str(error) or type(error).__name__)
    )


def decoder_of(source: Source, table: SourceTable) -> Decoder:
    """The decoder of a source's images: its own where it overrides `Source.decode`."""
    return Decoder() if type(source).decode is Source.decode else OwnDecoder(source, table)
