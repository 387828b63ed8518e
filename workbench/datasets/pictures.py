"""Images by row, as whoever decodes them asks for them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.decoding import Decoder
from workbench.datasets.sources import Location
from workbench.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")


class Pictures(ABC):
    """Images by row: their bytes, and the pixels in them. All methods may be called from several threads.

    All code that decodes an image of a dataset goes through here, so that a source's own format works everywhere.
    """

    _decoder = Decoder()

    @abstractmethod
    def hashes(self, rows: AnyArray) -> AnyArray:
        """uint8 (n, 32): what each image's pixels are known by, from BLAKE2b-256 of its bytes; zeros if unreadable."""

    @abstractmethod
    def ids(self, rows: AnyArray) -> list[str]:
        """Names of the images, for messages."""

    @abstractmethod
    def read(self, row: int) -> bytes:
        """Bytes of one image; raises `DataError` where they cannot be read."""

    def _location(self, row: int) -> Location:  # noqa: ARG002 - of no matter to those without a source
        return Location("")

    def _decoder_of(self, row: int) -> Decoder:  # noqa: ARG002 - most have one for all
        return self._decoder

    def decode(self, row: int) -> "Image":
        """One image, RGB and upright.

        Raises:
            UnreadableImageError: The bytes cannot be decoded; the message is the reason alone.
            DataError: They cannot be read.
        """
        return self._decoder_of(row).image(self.read(row), self._location(row))

    def size(self, row: int) -> tuple[int, int]:
        """Width and height that `decode` gives, mostly from the header alone; raises as `decode`."""
        return self._decoder_of(row).size(self.read(row), self._location(row))

    def with_picture(self, row: int, use: "Callable[[Image], T]") -> T:
        """Apply a function to an image, which is dropped afterwards; see `workbench.datasets.images.with_image`.

        Raises:
            UnreadableImageError: The bytes cannot be decoded.
            DataError: They cannot be read, or are others than were listed.
        """
        return self._decoder_of(row).with_image(self._as_listed(row), self._location(row), use)

    def with_pixels(self, row: int, use: Callable[[AnyArray], T]) -> T:
        """Apply a function to an image's pixels, uint8 (h, w, 3), the same that `with_picture` gives, but sooner.

        Raises as `with_picture`.
        """
        return self._decoder_of(row).with_pixels(self._as_listed(row), self._location(row), use)

    def _as_listed(self, row: int) -> bytes:
        """Bytes of one image, whose features may be stored under its hash."""
        data = self.read(row)
        content = np.frombuffer(blake2b(data, digest_size=32).digest(), dtype=np.uint8)
        # Features of other bytes under this image's key would stay wrong for ever.
        if (self._decoder_of(row).key(data, content) != self.hashes(np.array([row]))[0]).any():
            raise DataError("its contents changed after the dataset was listed; run again")
        return data

    def described(self, row: int, use: "Callable[[Image], T]") -> tuple[tuple[int, int], str, str, T]:
        """Width and height as in the file, its format, its depth, and what a function makes of the image.

        Raises as `decode`.
        """
        data, location, decoder = self.read(row), self._location(row), self._decoder_of(row)

        def both(image: "Image") -> tuple[tuple[int, int], str, str, T]:
            return *decoder.header(data, location, image), use(image)

        return decoder.with_image(data, location, both)
