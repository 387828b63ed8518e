"""JPEGs as cameras write them, decoded straight to an array: the same pixels as `decode_image` gives, sooner."""

import struct
from dataclasses import dataclass

from workbench.arrays import AnyArray
from workbench.datasets.unreadable import MAX_PIXELS

_START, _END, _SCAN = b"\xff\xd8\xff", 0xD9, 0xDA
_TURNING = {0xE1: b"Exif", 0xE2: b"MPF\0"}  # Of several pictures in one file Pillow reads more than of one.
_FRAMES = (0xC0, 0xC1, 0xC2)  # Baseline, extended and progressive, all with Huffman codes.
_OTHER_FRAMES = (0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
_ALONE = (0x01, *range(0xD0, 0xD9))  # Markers without a length.


@dataclass(frozen=True)
class JpegHeader:
    """The header of a JPEG of 8 bits, grey or in three colours.

    Attributes:
        width: In pixels, as stored.
        height: In pixels, as stored.
        may_be_turned: Whether something in it may say that the picture is to be turned.
    """

    width: int
    height: int
    may_be_turned: bool


def jpeg_header(data: bytes) -> JpegHeader | None:
    """The header; None of whatever else, odd and damaged JPEGs included."""
    if not data.startswith(_START):
        return None
    frame, may_be_turned, at = None, False, 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == _SCAN:
            return None if frame is None else JpegHeader(*frame, may_be_turned)
        if marker in _OTHER_FRAMES or marker in _ALONE or marker in {0xFF, _END}:
            return None
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _FRAMES:
            if frame is not None or length < 8 or at + 10 > len(data):
                return None
            bits, height, width, channels = struct.unpack_from(">BHHB", data, at + 4)
            if bits != 8 or channels not in {1, 3} or not 0 < width * height <= MAX_PIXELS:
                return None
            frame = width, height
        may_be_turned = may_be_turned or data[at + 4 : at + 8] == _TURNING.get(marker)
        at += 2 + length
    return None


def decode_plain_jpeg(data: bytes, header: JpegHeader) -> AnyArray | None:
    """Pixels of a JPEG, upright, uint8 (h, w, 3).

    Args:
        data: The encoded file.
        header: Its header.

    Returns:
        None of a file that is not as it should be, though a picture may yet be in it: that is for `decode_image`.
    """
    import numpy as np
    import simplejpeg

    turns = _turns(data) if header.may_be_turned else 1
    if turns is None:
        return None
    try:
        # Strictly: what libjpeg warns of is not decoded here.
        pixels: AnyArray = simplejpeg.decode_jpeg(data, colorspace="RGB", strict=True)
    except ValueError:
        return None
    if pixels.shape[:2] != (header.height, header.width):
        return None
    return pixels if turns == 1 else np.ascontiguousarray(_turned(pixels, turns))


def _turns(data: bytes) -> int | None:
    """The orientation in EXIF data, 1..8, as Pillow reads it; None where it does not take the file for a JPEG."""
    from workbench.datasets.images import open_encoded, orientation

    try:
        with open_encoded(data) as image:
            return orientation(image) if image.format in {"JPEG", "MPO"} else None
    except Exception:  # Whatever is wrong, `decode_image` says it.
        return None


def _turned(pixels: AnyArray, orientation: int) -> AnyArray:
    """A view of a picture that is stored in an orientation of EXIF, as it is meant to be seen."""
    upright = pixels.transpose(1, 0, 2) if orientation >= 5 else pixels
    if orientation in {2, 3, 6, 7}:
        upright = upright[:, ::-1]
    return upright[::-1] if orientation in {3, 4, 7, 8} else upright
