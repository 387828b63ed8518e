"""Bytes of a source's images to pixels: as all encoded images are, or as the source itself decodes its own format."""

import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.card_pixels import Pixels
from workbench.datasets.card_sources import SourceTable
from workbench.datasets.formats import Header, format_of
from workbench.datasets.headers import read_header
from workbench.datasets.images import decode_image, image_size, in_room, open_encoded, with_image
from workbench.datasets.pixel_arrays import with_pixels
from workbench.datasets.sources import Location, Source
from workbench.datasets.unreadable import UnreadableImageError, check_size

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")

GREY = 1
"""Raise it when the same bytes become other pixels by the same `[pixels]`."""


class Decoder:
    """Pixels of images by their bytes; this one knows the formats of `decode_image`.

    All three methods raise `UnreadableImageError` with the reason alone, and may be called from several threads.
    """

    def keys(self, hashes: AnyArray) -> AnyArray:
        """Keys of the pixels, uint8 (n, 32), for hashes of bytes (n, 32); zeros stay zeros."""
        return hashes

    def key(self, data: bytes, content: AnyArray) -> AnyArray:  # noqa: ARG002
        """As `keys`, uint8 (32,), for one image whose bytes are there.

        Args:
            data: The bytes.
            content: uint8 (32,), their hash.
        """
        key: AnyArray = self.keys(content[None])[0]
        return key

    def image(self, data: bytes, location: Location) -> "Image":  # noqa: ARG002
        """An RGB image with its pixels loaded."""
        return decode_image(data)

    def size(self, data: bytes, location: Location) -> tuple[int, int]:  # noqa: ARG002
        """Width and height of the image, mostly from the header alone."""
        return image_size(data)

    def with_image(self, data: bytes, location: Location, use: "Callable[[Image], T]") -> T:  # noqa: ARG002
        """See `workbench.datasets.images.with_image`."""
        return with_image(data, use)

    def with_pixels(self, data: bytes, location: Location, use: Callable[[AnyArray], T]) -> T:  # noqa: ARG002
        """See `workbench.datasets.pixel_arrays.with_pixels`."""
        return with_pixels(data, use)

    def header(self, data: bytes, location: Location, image: "Image") -> tuple[tuple[int, int], str, str]:  # noqa: ARG002
        """Width and height as they lie in the file, its format (`JPEG RGB`) and its depth (`8 bits`) in words.

        Args:
            data: The bytes.
            location: Their location.
            image: The image decoded from them.
        """
        other = format_of(data)
        if other is not None:
            return image.size, other.kind(data), other.header(data).depth
        with open_encoded(data) as image_file:
            return image_file.size, f"{image_file.format} {image_file.mode}", read_header(data).depth


class PixelDecoder(Decoder):
    """Makes pixels as a card's `[pixels]` says, which is part of the keys of all images that depend on it.

    Args:
        pixels: The settings, the range in numbers.
        headers: Header by content hash, of all images whose header is not plain.
    """

    def __init__(self, pixels: Pixels, headers: Mapping[bytes, Header]) -> None:
        self._pixels = pixels
        self._headers = headers

    def keys(self, hashes: AnyArray) -> AnyArray:
        """See `Decoder.keys`."""
        keys = hashes.copy()
        plain = Header()
        for i in np.flatnonzero(hashes.any(axis=1)).tolist():
            header = self._headers.get(hashes[i].tobytes(), plain)
            keys[i] = _derived(hashes[i], _rendering(self._pixels, header))
        return keys

    def key(self, data: bytes, content: AnyArray) -> AnyArray:
        """See `Decoder.key`."""
        return _derived(content, _rendering(self._pixels, read_header(data)))

    def image(self, data: bytes, location: Location) -> "Image":  # noqa: ARG002
        """See `Decoder.image`."""
        return decode_image(data, self._pixels)

    def size(self, data: bytes, location: Location) -> tuple[int, int]:  # noqa: ARG002
        """See `Decoder.size`."""
        return image_size(data, self._pixels)

    def with_image(self, data: bytes, location: Location, use: "Callable[[Image], T]") -> T:  # noqa: ARG002
        """See `Decoder.with_image`."""
        return with_image(data, use, self._pixels)

    def with_pixels(self, data: bytes, location: Location, use: Callable[[AnyArray], T]) -> T:  # noqa: ARG002
        """See `Decoder.with_pixels`."""
        return with_pixels(data, use, self._pixels)


def _rendering(pixels: Pixels, header: Header) -> dict[str, object]:
    """What of the settings decides the pixels of an image; empty where its bytes alone do."""
    rendering: dict[str, object] = {}
    if header.mapped:
        limits = pixels.limits or (None if header.windowed else pixels.range)
        rendering["grey"] = [GREY, limits]
    if pixels.invert:
        rendering["invert"] = True
    if pixels.page is not None:
        rendering["page"] = pixels.page
    return rendering


def _derived(content: AnyArray, rendering: Mapping[str, object]) -> AnyArray:
    if not rendering:
        return content
    said = json.dumps(rendering, sort_keys=True).encode()
    return np.frombuffer(blake2b(content.tobytes() + said, digest_size=len(content)).digest(), dtype=np.uint8)


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

    def with_pixels(self, data: bytes, location: Location, use: Callable[[AnyArray], T]) -> T:
        """See `Decoder.with_pixels`."""
        return self.with_image(data, location, lambda image: use(np.array(image)))

    def header(self, data: bytes, location: Location, image: "Image") -> tuple[tuple[int, int], str, str]:  # noqa: ARG002
        """See `Decoder.header`; the format is what the file's name ends in, and the depth is the source's own."""
        kind = PurePosixPath(location.file).suffix.removeprefix(".").upper() or "unnamed format"
        return image.size, kind, "of the source"

    def _claimed(self, data: bytes, location: Location) -> tuple[int, int] | None:
        try:
            image_size = self._source.size(data, location)
        except Exception as error:  # Headers are as broken as what follows them.
            raise _unreadable(error) from error
        if image_size is not None:
            check_size(*image_size)
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


def decodes_itself(source: Source) -> bool:
    """Whether a source decodes its own format, by overriding `Source.decode`."""
    return type(source).decode is not Source.decode


def decoder_of(source: Source, table: SourceTable, pixels: Pixels, headers: Mapping[bytes, Header]) -> Decoder:
    """The decoder of a source's images.

    Args:
        source: The source.
        table: The card's table `[source]`.
        pixels: The card's table `[pixels]`, the range in numbers.
        headers: Header by content hash, of all images whose header is not plain.
    """
    if decodes_itself(source):
        return OwnDecoder(source, table)
    # Pages alone change no pixel, and a million keys are not computed for nothing.
    needed = pixels != Pixels() or any(header.mapped for header in headers.values())
    return PixelDecoder(pixels, headers) if needed else Decoder()
