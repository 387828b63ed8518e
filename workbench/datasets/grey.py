"""Grey values of more than 8 bits to 8 bits."""

from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.card_pixels import Pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image

    from workbench.arrays import FloatArray

_BAND_PIXELS = 4_000_000  # Some conversions take several times the pixels that they convert.
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
_USUAL_BITS = (8, 10, 12, 14, 16)


def is_deep(mode: str) -> bool:
    """Whether a mode of Pillow is grey of more than 8 bits, or of floating point."""
    return mode.startswith(("I", "F"))


def in_bands(image: "Image", change: "Callable[[Image], Image]") -> "Image":
    """Change an image's pixels to RGB a band of rows at a time: a large one would else be there several times over."""
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


def zero_is_white(image: "Image") -> bool:
    """Whether a deep image just opened says so (MINISWHITE); Pillow inverts those of up to 8 bits itself."""
    return is_deep(image.mode) and _tag(image, _PHOTOMETRIC) == 0


def dtype_limits(image: "Image") -> tuple[float, float]:
    """Lowest and highest value that a deep image just opened can store; 0 and 1 for floating point."""
    if image.mode.startswith("F"):
        return 0.0, 1.0
    bits = _tag(image, _BITS_PER_SAMPLE)
    bits = int(bits[0] if isinstance(bits, tuple) else bits or 16)
    # Pillow keeps unsigned numbers of 16 bits as such, but for PGM; signed ones and those of 32 bits are `I`.
    if image.mode.startswith("I;16") or image.format == "PPM":
        return 0.0, 2.0**bits - 1
    return -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1


def _tag(image: "Image", number: int) -> "tuple[int, ...] | int | None":
    tags = getattr(image, "tag_v2", None)
    return None if tags is None else tags.get(number)


def grey_image(image: "Image", pixels: Pixels | None, dtype: tuple[float, float], *, inverted: bool) -> "Image":
    """A deep image as RGB.

    Args:
        image: Of a mode that `is_deep`.
        pixels: The dataset's settings, its range in numbers; None for an image without a dataset.
        dtype: From `dtype_limits`.
        inverted: Whether the lowest value becomes white.
    """
    from PIL import Image

    low, high = _limits(image, pixels, dtype)
    return in_bands(image, lambda band: Image.fromarray(grey(_values(band), low, high, inverted=inverted)))


def grey(values: AnyArray, low: float, high: float, *, inverted: bool = False) -> AnyArray:
    """Values as uint8: `low` and what is below becomes 0, `high` and what is above 255; NaN is 0 before inversion.

    Args:
        values: Any shape.
        low: What becomes black.
        high: What becomes white; all is black where it is not above `low`.
        inverted: Exchange black and white.
    """
    scale = 255 / (high - low) if high > low else 0.0
    scaled = (np.nan_to_num(values.astype(np.float64, copy=False)) - low) * scale
    levels = np.clip(scaled, 0, 255).round().astype(np.uint8)
    return 255 - levels if inverted else levels


def finite_extrema(values: AnyArray) -> tuple[float, float] | None:
    """Lowest and highest finite value; None where there is none."""
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if values.size else None


def page_extrema(image: "Image") -> "Iterator[tuple[float, float]]":
    """`finite_extrema` of bands of a deep image."""
    for top, rows in _bands(image):
        found = finite_extrema(np.asarray(image.crop((0, top, image.width, top + rows))))
        if found is not None:
            yield found


def joint_range(extrema: "list[tuple[float, float]]", *, whole: bool) -> tuple[float, float]:
    """The range of several images: from their lowest to their highest value.

    Args:
        extrema: Of each image, at least one.
        whole: Whether all values are whole numbers: those that fit into 8 bits are taken as 8 bits. Floating point
            within 0..1 is taken as it is.
    """
    low, high = min(low for low, _ in extrema), max(high for _, high in extrema)
    full = 255.0 if whole else 1.0
    return (0.0, full) if low >= 0 and high <= full else (low, high)


def _limits(image: "Image", pixels: Pixels | None, dtype: tuple[float, float]) -> tuple[float, float]:
    if pixels is not None and pixels.limits is not None:
        return pixels.limits
    if pixels is not None and isinstance(pixels.range, tuple):
        return pixels.range
    if pixels is not None and pixels.range == "dtype":
        return dtype
    return _own_limits(image)


def _own_limits(image: "Image") -> tuple[float, float]:
    """The values that become black and white in an image without a dataset around it."""
    low, high = _extrema(image)
    if image.mode == "F" and low >= 0 and high <= 1:
        return 0.0, 1.0
    if image.mode != "F" and low >= 0 and high < 2**16:
        return 0.0, next(2.0**bits - 1 for bits in _USUAL_BITS if high < 2**bits)
    return low, high


def _extrema(image: "Image") -> tuple[float, float]:
    bands = (image.crop((0, top, image.width, top + rows)) for top, rows in _bands(image))
    values = [(float(part.min()), float(part.max())) for part in (np.nan_to_num(_values(band)) for band in bands)]
    return min(low for low, _ in values), max(high for _, high in values)


def _bands(image: "Image") -> "Iterator[tuple[int, int]]":
    """First row and number of rows of each band."""
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, min(rows, image.height - top)


def _values(image: "Image") -> "FloatArray":
    return np.asarray(image).astype(np.float64)
