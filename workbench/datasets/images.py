"""Encoded bytes to upright RGB images, whatever a camera, scanner or microscope wrote."""

from io import BytesIO
from typing import TYPE_CHECKING

from workbench.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm"})
_ORIENTATION = 0x0112


class UnreadableImageError(DataError):
    """Bytes that do not decode; the message gives the reason without the file's name."""


def decode_image(data: bytes) -> "Image":
    """Decode one image.

    Orientation from EXIF is applied. Transparency is laid over white. 16-bit and floating-point greyscale is stretched
    from its own minimum and maximum to 0..255, because scanners fill very different parts of that range. CMYK and
    palettes are converted. Only the first frame of an animation is read.

    Args:
        data: The encoded file.

    Returns:
        An RGB image with its pixels loaded.

    Raises:
        UnreadableImageError: The bytes are empty, truncated, of no known format, or unreasonably large.
    """
    from PIL import Image, ImageOps

    if not data:
        raise UnreadableImageError("the file is empty")
    try:
        image: Image.Image = Image.open(BytesIO(data))
        image.load()
    except Exception as error:
        # Decoders raise whatever they meet: OSError, SyntaxError, struct.error, DecompressionBombError, ...
        raise UnreadableImageError(
            f"{type(error).__name__}: {error}".replace("<_io.BytesIO object", "<bytes")
        ) from error
    if image.getexif().get(_ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode == "RGB":
        return image
    if image.mode.startswith(("I", "F")):
        return _stretch(image).convert("RGB")
    if "transparency" in image.info or image.mode in {"RGBA", "LA", "PA", "La", "RGBa"}:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _stretch(image: "Image") -> "Image":
    import numpy as np
    from PIL import Image

    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return Image.new("L", image.size, 0)
    return Image.fromarray(((values - low) * (255 / (high - low))).round().astype(np.uint8))
