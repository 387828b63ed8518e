"""What the header of an image file says of its depth and its pages."""

from typing import TYPE_CHECKING

from workbench.datasets.formats import Header, format_of
from workbench.datasets.grey import is_deep, page_extrema
from workbench.datasets.images import open_encoded
from workbench.datasets.unreadable import MissingExtraError

if TYPE_CHECKING:
    from PIL.Image import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_BITS_PER_SAMPLE = 258
_COUNTED = ("TIFF", "GIF", "WEBP", "PNG")  # In JPEG further frames are depth maps and previews.


def read_header(data: bytes) -> Header:
    """The header of an encoded image; one without a depth where it cannot be read, as decoding then says.

    Raises:
        MissingExtraError: The packages that read its format are not installed.
    """
    try:
        other = format_of(data)
        if other is not None:
            return other.header(data)
        with open_encoded(data) as image:
            pages = int(getattr(image, "n_frames", 1)) if image.format in _COUNTED else 1
            modes, depths = [], []
            for page in range(pages if image.format == "TIFF" else 1):  # Elsewhere all pages are of one depth.
                image.seek(page)
                modes.append(image.mode)
                depths.append(_depth(image.mode, _bits(data, image)))
            whole = not any(mode.startswith("F") for mode in modes)
            return Header(" and ".join(dict.fromkeys(depths)), any(map(is_deep, modes)), whole, pages)
    except MissingExtraError:
        raise
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
    from PIL import ImageSequence

    try:
        other = format_of(data)
        if other is not None:
            return other.extrema(data)
        with open_encoded(data) as image:
            bands = [own for page in ImageSequence.Iterator(image) if is_deep(page.mode) for own in page_extrema(page)]
    except Exception:
        return None
    return (min(low for low, _ in bands), max(high for _, high in bands)) if bands else None
