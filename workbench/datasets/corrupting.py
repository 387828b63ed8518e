"""Decode an image, and corrupt its pixels."""

import json
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.decoding import Decoder
from workbench.datasets.sources import Location

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")


class CorruptingDecoder(Decoder):
    """See `Decoder`. An image is decoded as it is without corruption, and corrupted at its full size.

    What is random in that depends on the image's key and the seed alone.

    Args:
        plain: Decodes.
        name: Of the corruption.
        severity: 1 to 5.
        seed: The card's.
    """

    def __init__(self, plain: Decoder, name: str, severity: int, seed: int) -> None:
        self._plain = plain
        self._name = name
        self._severity = severity
        self._seed = seed

    def keys(self, hashes: AnyArray) -> AnyArray:
        """See `Decoder.keys`."""
        keys = self._plain.keys(hashes).copy()
        for i in np.flatnonzero(keys.any(axis=1)).tolist():
            keys[i] = self._derived(keys[i])
        return keys

    def key(self, data: bytes, content: AnyArray) -> AnyArray:
        """See `Decoder.key`."""
        return self._derived(self._plain.key(data, content))

    def image(self, data: bytes, location: Location) -> "Image":
        """See `Decoder.image`."""
        return self._corrupted_image(self._plain.image(data, location), data)

    def size(self, data: bytes, location: Location) -> tuple[int, int]:
        """See `Decoder.size`."""
        return self._plain.size(data, location)

    def with_image(self, data: bytes, location: Location, use: "Callable[[Image], T]") -> T:
        """See `Decoder.with_image`."""
        return self._plain.with_image(data, location, lambda image: use(self._corrupted_image(image, data)))

    def with_pixels(self, data: bytes, location: Location, use: Callable[[AnyArray], T]) -> T:
        """See `Decoder.with_pixels`."""
        return self._plain.with_pixels(data, location, lambda pixels: use(self._corrupted(pixels, data)))

    def header(self, data: bytes, location: Location, image: "Image") -> tuple[tuple[int, int], str, str]:
        """See `Decoder.header`."""
        return self._plain.header(data, location, image)

    def _derived(self, key: AnyArray) -> AnyArray:
        from workbench.datasets.corruptions.catalogue import VERSION

        said = json.dumps([self._name, self._severity, self._seed, VERSION]).encode()
        return np.frombuffer(blake2b(key.tobytes() + said, digest_size=len(key)).digest(), dtype=np.uint8)

    def _corrupted(self, pixels: AnyArray, data: bytes) -> AnyArray:
        from workbench.datasets.corruptions.catalogue import CORRUPTIONS

        key = self.key(data, np.frombuffer(blake2b(data, digest_size=32).digest(), dtype=np.uint8))
        rng = np.random.default_rng(key.view("<u4").tolist())
        return CORRUPTIONS[self._name](pixels, self._severity, rng)

    def _corrupted_image(self, image: "Image", data: bytes) -> "Image":
        from PIL import Image

        return Image.fromarray(self._corrupted(np.asarray(image.convert("RGB")), data))
