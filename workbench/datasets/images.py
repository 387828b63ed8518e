"""Encoded bytes to upright RGB images, whatever a camera, scanner or microscope wrote."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

from workbench.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

    from workbench.arrays import FloatArray

T = TypeVar("T")

IMAGE_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .tif .tiff .gif .ppm .pgm .pbm .jp2 .avif".split()  # noqa: SIM905
)
"""Files that end so are images; compare in lower case."""

MAX_PIXELS = 178_956_970
"""A larger image is refused before its pixels are allocated; where Pillow, too, speaks of a decompression bomb."""

# Of images beyond these pixels few are decoded at a time, and some conversions take so many at once.
_LARGE = 16_000_000
_BAND_PIXELS = 4_000_000

# An allow-list, since Pillow also opens formats that start other programs (EPS starts Ghostscript).
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000", "AVIF")
_ORIENTATION = 0x0112
_TURNED = range(5, 9)  # By a quarter: width and height change places.


class UnreadableImageError(DataError):
    """An image that cannot be read or decoded; from `decode_image` the message is the reason without a file name."""


def decode_image(data: bytes) -> "Image":
    """Decode one image.

    - Orientation from EXIF is applied. Only the first frame of an animation or stack is read.
    - Transparency is laid over white.
    - Greyscale of more than 8 bits is divided by the largest value of the smallest usual depth (8, 10, 12, 14, 16 bits)
      that holds its maximum: 12-bit scans in 16-bit files do not turn black, and contrast is not stretched. Floating
      point within 0..1 is taken as it is. Other ranges (signed, wider) go from their minimum to their maximum.
    - CMYK, palettes, bilevel and other colour spaces are converted as Pillow does.

    Args:
        data: The encoded file.

    Returns:
        An RGB image with its pixels loaded.

    Raises:
        UnreadableImageError: The bytes are empty, truncated, of no known format, or of more than `MAX_PIXELS`.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not data:
        raise UnreadableImageError("the file is empty")
    try:
        image: Image.Image = Image.open(BytesIO(data), formats=_FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise UnreadableImageError(f"{image.width} x {image.height} pixels are more than {MAX_PIXELS:,}")
        image.load()
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image of a known format") from error
    except Exception as error:
        # Decoders raise whatever they meet in broken bytes: OSError, SyntaxError, ValueError, struct.error, ...
        raise UnreadableImageError(str(error) or type(error).__name__) from error
    if _orientation(image) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        low, high = _range(image)
        return _in_bands(image, lambda band: _to_8_bit(band, low, high))
    if image.has_transparency_data:
        return _in_bands(image, _on_white)
    return image.convert("RGB")


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height that `decode_image` gives, mostly from the header alone.

    Raises:
        UnreadableImageError: The header cannot be read.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image of a known format") from error
    except Exception as error:
        raise UnreadableImageError(str(error) or type(error).__name__) from error
    if image.width * image.height > MAX_PIXELS:
        raise UnreadableImageError(f"{image.width} x {image.height} pixels are more than {MAX_PIXELS:,}")
    if _orientation(image) not in _TURNED:
        return image.size
    # Whether Pillow turns a TIFF by itself, and when, depends on its version.
    return decode_image(data).size if image.format == "TIFF" else (image.height, image.width)


def _orientation(image: "Image") -> int:
    """EXIF orientation, 1..8; 1 where there is none or it is damaged, which spoils no pixel."""
    if image.format == "JPEG" and "exif" not in image.info:
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return value if value in range(1, 9) else 1


def _in_bands(image: "Image", change: "Callable[[Image], Image]") -> "Image":
    """Change an image's pixels a band of rows at a time: a large one would else be there several times over."""
    from PIL import Image

    rows = max(1, _BAND_PIXELS // image.width)
    if rows >= image.height:
        return change(image).convert("RGB")
    result = Image.new("RGB", image.size)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        band.info = image.info  # Transparency may stand there.
        result.paste(change(band).convert("RGB"), (0, top))
    return result


def _on_white(image: "Image") -> "Image":
    from PIL import Image

    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)


def _range(image: "Image") -> tuple[float, float]:
    """The values that become black and white."""
    low, high = _extrema(image)
    if image.mode == "F" and low >= 0 and high <= 1:
        return 0.0, 1.0
    if image.mode != "F" and low >= 0 and high < 2**16:
        return 0.0, next(2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if high < 2**bits)
    return low, high


def _extrema(image: "Image") -> tuple[float, float]:
    import numpy as np

    rows = max(1, _BAND_PIXELS // image.width)
    bands = (image.crop((0, top, image.width, min(top + rows, image.height))) for top in range(0, image.height, rows))
    values = [(float(part.min()), float(part.max())) for part in (np.nan_to_num(_values(band)) for band in bands)]
    return min(low for low, _ in values), max(high for _, high in values)


def _values(image: "Image") -> "FloatArray":
    import numpy as np

    return np.asarray(image).astype(np.float64)


def _to_8_bit(image: "Image", low: float, high: float) -> "Image":
    import numpy as np
    from PIL import Image

    scale = 255 / (high - low) if high > low else 0.0
    return Image.fromarray(((np.nan_to_num(_values(image)) - low) * scale).round().astype(np.uint8))


class _Room:
    """Lets several small images be decoded at once, and of the large ones no more pixels than one may have."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._taken = 0

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many pixels, and keep it."""
        if pixels < _LARGE:
            yield
            return
        with self._free:
            self._free.wait_for(lambda: self._taken == 0 or self._taken + pixels <= MAX_PIXELS)
            self._taken += pixels
        try:
            yield
        finally:
            with self._free:
                self._taken -= pixels
                self._free.notify_all()


_ROOM = _Room()


def with_image(data: bytes, use: "Callable[[Image], T]") -> T:
    """Apply a function to a decoded image, which is dropped afterwards.

    Threads that decode should call this and no `decode_image`: large images wait for one another, so that memory does
    not grow with the number of threads. The function must not decode images itself.

    Args:
        data: The encoded file.
        use: Called with the image; what it returns should hold no reference to it.

    Raises:
        UnreadableImageError: As `decode_image`.
    """
    width, height = _claimed_size(data)
    return in_room(width * height, lambda: decode_image(data), use)


def in_room(pixels: int, decode: "Callable[[], Image]", use: "Callable[[Image], T]") -> T:
    """`with_image` for an image of about so many pixels, decoded by a function."""
    with _ROOM.taken(pixels):
        image = decode()
        result = use(image)
        del image
        return result


def _claimed_size(data: bytes) -> tuple[int, int]:
    """Width and height in the header, either way round; zeros where there is none, which decoding then says."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            return image.size
    except Exception:
        return 0, 0
