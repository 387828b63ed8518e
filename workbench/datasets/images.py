"""Encoded bytes to upright RGB images, whatever a camera, scanner or microscope wrote."""

from io import BytesIO
from typing import TYPE_CHECKING

from workbench.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .tif .tiff .gif .ppm .pgm .pbm .jp2 .avif".split()  # noqa: SIM905
)
"""Files that end so are images; compare in lower case."""

MAX_PIXELS = 178_956_970
"""A larger image is refused before its pixels are allocated; where Pillow, too, speaks of a decompression bomb."""

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
        return _to_8_bit(image).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
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


def _to_8_bit(image: "Image") -> "Image":
    import numpy as np
    from PIL import Image

    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif image.mode != "F" and low >= 0 and high < 2**16:
        low, high = 0.0, next(2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if high < 2**bits)
    scale = 255 / (high - low) if high > low else 0.0
    return Image.fromarray(((values - low) * scale).round().astype(np.uint8))
