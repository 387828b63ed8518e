"""What the header of an image file says of its depth and its pages."""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from workbench.datasets.grey import is_deep, page_extrema
from workbench.datasets.images import FORMATS

if TYPE_CHECKING:
    from PIL.Image import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_BITS_PER_SAMPLE = 258
_COUNTED = ("TIFF", "GIF", "WEBP", "PNG")  # In JPEG further frames are depth maps and previews.


@dataclass(frozen=True)
class Header:
    """What is known of an image's pixels before they are decoded.

    Attributes:
        depth: Bits of a channel in words, `8 bits` or `floating point`; empty where the header cannot be read.
        mapped: Whether its values become 8 bits by a window or range, so that its pixels depend on the card.
        whole: Whether its values are whole numbers.
        pages: Number of pages or frames.
        windowed: Whether the file names a window of its own.
    """

    depth: str = ""
    mapped: bool = False
    whole: bool = True
    pages: int = 1
    windowed: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing of a card but `invert` and `page` decides its pixels, and there is one page."""
        return not self.mapped and self.pages == 1


def read_header(data: bytes) -> Header:
    """The header of an encoded image; one without a depth where it cannot be read, as decoding then says."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            pages = int(getattr(image, "n_frames", 1)) if image.format in _COUNTED else 1
            modes, depths = [], []
            for page in range(pages if image.format == "TIFF" else 1):  # Elsewhere all pages are of one depth.
                image.seek(page)
                modes.append(image.mode)
                depths.append(_depth(image.mode, _bits(data, image)))
            whole = not any(mode.startswith("F") for mode in modes)
            return Header(" and ".join(dict.fromkeys(depths)), any(map(is_deep, modes)), whole, pages)
    except Exception:  # Headers are as broken as what follows them.
        return Header()


def _depth(mode: str, bits: int) -> str:
    if mode.startswith("F"):
        return "floating point"
    return f"{bits} bit{'s' if bits > 1 else ''}{'' if bits <= 8 or is_deep(mode) else ' in colour'}"


def _bits(data: bytes, image: "Image") -> int:
    """Bits of a channel."""
    if data.startswith(_PNG):
        return data[24]
    bits = (getattr(image, "tag_v2", None) or {}).get(_BITS_PER_SAMPLE)
    if bits is not None:
        return max(bits) if isinstance(bits, tuple) else int(bits)
    return 1 if image.mode == "1" else 16 if is_deep(image.mode) else 8


def read_extrema(data: bytes) -> tuple[float, float] | None:
    """Lowest and highest finite value of all pages of a `mapped` image; None if it cannot be decoded."""
    from PIL import Image, ImageSequence

    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            bands = [own for page in ImageSequence.Iterator(image) if is_deep(page.mode) for own in page_extrema(page)]
    except Exception:
        return None
    return (min(low for low, _ in bands), max(high for _, high in bands)) if bands else None
