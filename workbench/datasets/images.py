"""Encoded bytes to upright RGB images, whatever a camera, scanner or microscope wrote."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from workbench.datasets.card_pixels import Pixels
from workbench.datasets.formats import format_of
from workbench.datasets.formats._pydicom import DICOM_BEGINNING, is_dicom
from workbench.datasets.formats.heif import HEIF_SUFFIXES, is_heif, register_heif
from workbench.datasets.formats.nifti import NIFTI_SUFFIXES, is_nifti_name
from workbench.datasets.grey import dtype_limits, grey_image, in_bands, is_deep, zero_is_white
from workbench.datasets.unreadable import MAX_PIXELS, MissingExtraError, UnreadableImageError, check_size
from workbench.inputs import open_regular

if TYPE_CHECKING:
    from PIL.Image import Image

S = TypeVar("S")
T = TypeVar("T")

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
IMAGE_SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm"),
        *(".jp2", ".avif", *HEIF_SUFFIXES, *DICOM_SUFFIXES, *NIFTI_SUFFIXES),
    )
)
"""Files that end so are images; compare in lower case."""

_LARGE = 16_000_000  # Of images beyond these pixels few are decoded at a time.

# An allow-list, since Pillow also opens formats that start other programs (EPS starts Ghostscript).
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000", "AVIF")
_ORIENTATION = 0x0112
_TURNED = range(5, 9)  # By a quarter: width and height change places.


def decode_image(data: bytes, pixels: Pixels | None = None) -> "Image":
    """Decode one image.

    - Orientation from EXIF is applied. Of an animation or stack one page is read, the first if nothing else is said.
    - Transparency is laid over white.
    - Greyscale of more than 8 bits goes from the range of its dataset to 8 bits (see `Pixels`). Without a dataset it is
      divided by the largest value of the smallest usual depth (8, 10, 12, 14, 16 bits) that holds its maximum: 12-bit
      scans in 16-bit files do not turn black, and contrast is not stretched. Floating point within 0..1 is taken as it
      is. Other ranges (signed, wider) go from their minimum to their maximum.
    - Where a file of more than 8 bits says that zero is white (MINISWHITE), it is inverted.
    - CMYK, palettes, bilevel and other colour spaces are converted as Pillow does; of colours of 16 bits a channel it
      takes the upper 8 bits.

    Args:
        data: The encoded file.
        pixels: The settings of the image's dataset, with its range in numbers; None for an image by itself.

    Returns:
        An RGB image with its pixels loaded.

    Raises:
        UnreadableImageError: The bytes are empty, truncated, of no known format, or of more than `MAX_PIXELS`; or the
            file has no such page.
    """
    from PIL import ImageOps

    image = _decoded(data, pixels)
    return ImageOps.invert(image) if pixels is not None and pixels.invert else image


def _decoded(data: bytes, pixels: Pixels | None) -> "Image":
    from PIL import ImageOps, UnidentifiedImageError

    if not data:
        raise UnreadableImageError("the file is empty")
    other = format_of(data)
    if other is not None:
        return other.image(data, pixels or Pixels())
    try:
        image = open_page(data, pixels)
        image.load()
        dtype, inverted = (dtype_limits(image), zero_is_white(image)) if is_deep(image.mode) else ((0.0, 0.0), False)
    except (UnreadableImageError, MissingExtraError):
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image of a known format") from error
    except Exception as error:
        # Decoders raise whatever they meet in broken bytes: OSError, SyntaxError, ValueError, struct.error, ...
        raise UnreadableImageError(str(error) or type(error).__name__) from error
    if orientation(image) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if is_deep(image.mode):
        return grey_image(image, pixels, dtype, inverted=inverted)
    if image.has_transparency_data:
        return in_bands(image, _on_white)
    return image.convert("RGB")


def open_page(data: bytes, pixels: Pixels | None = None) -> "Image":
    """The page of a file that is read, as Pillow opens it: nothing is decoded.

    Raises:
        UnreadableImageError: There is no such page, or it has more than `MAX_PIXELS`.
        Exception: Whatever Pillow raises.
    """
    image = open_encoded(data)
    if pixels is not None and pixels.page is not None and pixels.page > 1:
        pages = getattr(image, "n_frames", 1)
        if pixels.page > pages:
            count = "one page" if pages == 1 else f"{pages} pages"
            raise UnreadableImageError(f"has {count}, and pixels.page of the card is {pixels.page}")
        image.seek(pixels.page - 1)
    check_size(*image.size)
    return image


def open_encoded(data: bytes) -> "Image":
    """A file as Pillow opens it: nothing is decoded; raises whatever Pillow raises, and `MissingExtraError`."""
    from PIL import Image

    if is_heif(data):
        register_heif()
        return Image.open(BytesIO(data), formats=("HEIF",))
    return Image.open(BytesIO(data), formats=FORMATS)


def image_size(data: bytes, pixels: Pixels | None = None) -> tuple[int, int]:
    """Width and height that `decode_image` gives, mostly from the header alone.

    Raises:
        UnreadableImageError: The header cannot be read.
    """
    from PIL import UnidentifiedImageError

    other = format_of(data)
    if other is not None:
        return other.size(data, pixels or Pixels())
    try:
        image = open_page(data, pixels)
    except (UnreadableImageError, MissingExtraError):
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image of a known format") from error
    except Exception as error:
        raise UnreadableImageError(str(error) or type(error).__name__) from error
    if orientation(image) not in _TURNED:
        return image.size
    # Whether Pillow turns a TIFF by itself, and when, depends on its version.
    return decode_image(data, pixels).size if image.format == "TIFF" else (image.height, image.width)


def orientation(image: "Image") -> int:
    """EXIF orientation of a file that Pillow has opened, 1..8; 1 if there is none, or a damaged one."""
    if image.format == "JPEG" and "exif" not in image.info:
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return value if value in range(1, 9) else 1


def _on_white(image: "Image") -> "Image":
    from PIL import Image

    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)


def is_image_file(folder: Path, name: str) -> bool:
    """Whether a file is taken for an image: by what its name ends in, and DICOM without a suffix by how it begins."""
    if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES or is_nifti_name(name):  # noqa: PTH122 - for every file
        return True
    if not may_be_dicom(name):
        return False
    try:
        with open_regular(folder / name) as file:
            return is_dicom(file.read(DICOM_BEGINNING))
    except OSError:
        return False


def may_be_dicom(name: str) -> bool:
    """Whether a file's name may be that of DICOM: by its suffix, or it has none, or ends, as UIDs do, in digits."""
    base, suffix = os.path.splitext(os.path.basename(name))  # noqa: PTH119, PTH122
    return suffix.lower() in DICOM_SUFFIXES or (not suffix.strip(".0123456789") and base.upper() != "DICOMDIR")


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


def with_image(data: bytes, use: "Callable[[Image], T]", pixels: Pixels | None = None) -> T:
    """Apply a function to a decoded image, which is dropped afterwards.

    Threads that decode should call this and no `decode_image`: large images wait for one another, so that memory does
    not grow with the number of threads. The function must not decode images itself.

    Args:
        data: The encoded file.
        use: Called with the image; what it returns should hold no reference to it.
        pixels: As for `decode_image`.

    Raises:
        UnreadableImageError: As `decode_image`.
    """
    width, height = _claimed_size(data, pixels)
    return in_room(width * height, lambda: decode_image(data, pixels), use)


def in_room(pixels: int, decode: Callable[[], S], use: Callable[[S], T]) -> T:
    """`with_image` for an image of about so many pixels, decoded by a function."""
    with _ROOM.taken(pixels):
        image = decode()
        result = use(image)
        del image
        return result


def _claimed_size(data: bytes, pixels: Pixels | None) -> tuple[int, int]:
    """Width and height in the header, either way round; zeros where there is none, which decoding then says."""
    try:
        other = format_of(data)
        if other is not None:
            return other.size(data, pixels or Pixels())
        with open_page(data, pixels) as image:
            return image.size
    except Exception:
        return 0, 0
