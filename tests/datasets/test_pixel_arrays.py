"""Arrays of pixels are those of the pictures, whatever the file, and what cannot be read fails alike."""

import struct
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from workbench.arrays import AnyArray
from workbench.datasets.card_pixels import Pixels
from workbench.datasets.images import decode_image
from workbench.datasets.pixel_arrays import with_pixels
from workbench.datasets.plain_jpeg import decode_plain_jpeg, jpeg_header
from workbench.datasets.unreadable import UnreadableImageError


def picture(width: int = 53, height: int = 37, seed: int = 0) -> Image.Image:
    """With edges in all colours, which rounding and the smoothing of colours show at."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)).resize((width, height))
    noise = rng.integers(-40, 40, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(coarse).astype(int) + noise, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation: int, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture(), exif=exif, **options)


def with_segment(data: bytes, marker: int, content: bytes) -> bytes:
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + data[2:]


def deep() -> Image.Image:
    return Image.fromarray((np.arange(48 * 40).reshape(40, 48) * 30).astype(np.uint16))


def transparent(mode: str) -> Image.Image:
    image = picture().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image.convert(mode)


XMP = b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation='6'/>"
PLAIN: dict[str, Callable[[], bytes]] = {
    **{f"jpeg {sampling}": lambda s=sampling: encoded(picture(), quality=90, subsampling=s) for sampling in (0, 1, 2)},
    "jpeg of low quality": lambda: encoded(picture(), quality=15),
    "jpeg progressive": lambda: encoded(picture(), progressive=True),
    "jpeg with restarts": lambda: encoded(picture(), restart_marker_blocks=2),
    "jpeg grey": lambda: encoded(picture().convert("L")),
    "jpeg in RGB": lambda: encoded(picture(), keep_rgb=True),
    "jpeg of one pixel": lambda: encoded(picture(1, 1)),
    "jpeg of one row": lambda: encoded(picture(333, 1)),
    "jpeg of one column": lambda: encoded(picture(1, 333)),
    "jpeg with profile": lambda: encoded(picture(), icc_profile=b"\x00" * 200),
    "jpeg with comment": lambda: with_segment(encoded(picture()), 0xFE, b"a comment"),
    "jpeg with more behind it": lambda: encoded(picture()) + b"something else" * 9,
    "jpeg with XMP alone": lambda: with_segment(encoded(picture()), 0xE1, XMP),
    **{f"jpeg turned {k}": lambda k=k: turned(k) for k in range(1, 9)},
    "jpeg turned 6, grey and progressive": lambda: turned(6, progressive=True),
    "jpeg turned beyond": lambda: turned(9),
    "jpeg with damaged EXIF": lambda: with_segment(encoded(picture()), 0xE1, b"Exif\0\0MM\0\x2a\xff\xff\xff\xff"),
    "jpeg with EXIF and XMP": lambda: with_segment(turned(1), 0xE1, XMP),
    "two pictures": lambda: encoded(picture(), "MPO", save_all=True, append_images=[picture(seed=1)]),
}
OTHER: dict[str, Callable[[], bytes]] = {
    "jpeg CMYK": lambda: encoded(picture().convert("CMYK")),
    "png": lambda: encoded(picture(), "PNG"),
    "png grey": lambda: encoded(picture().convert("L"), "PNG"),
    "png of one bit": lambda: encoded(picture().convert("1"), "PNG"),
    "png palette": lambda: encoded(picture().convert("P"), "PNG"),
    "png palette, one colour transparent": lambda: encoded(picture().convert("P"), "PNG", transparency=3),
    "png transparent": lambda: encoded(transparent("RGBA"), "PNG"),
    "png grey, transparent": lambda: encoded(transparent("LA"), "PNG"),
    "png of 16 bits": lambda: encoded(deep(), "PNG"),
    "png turned": lambda: encoded(picture(), "PNG", exif=_exif(8)),
    "gif animated": lambda: encoded(picture(), "GIF", save_all=True, append_images=[picture(seed=1)]),
    "webp": lambda: encoded(picture(), "WEBP"),
    "webp transparent": lambda: encoded(transparent("RGBA"), "WEBP"),
    "webp animated": lambda: encoded(picture(), "WEBP", save_all=True, append_images=[picture(seed=1)]),
    "bmp": lambda: encoded(picture(), "BMP"),
    "tiff": lambda: encoded(picture(), "TIFF", compression="tiff_lzw"),
    "tiff of JPEG": lambda: encoded(picture(), "TIFF", compression="jpeg"),
    "tiff CMYK": lambda: encoded(picture().convert("CMYK"), "TIFF"),
    "tiff of 16 bits": lambda: encoded(deep(), "TIFF"),
    "tiff of floating point": lambda: encoded(deep().convert("F"), "TIFF"),
    "tiff of two pages": lambda: encoded(picture(), "TIFF", save_all=True, append_images=[picture(seed=1)]),
    "ppm": lambda: encoded(picture(), "PPM"),
    "jpeg 2000": lambda: encoded(picture(), "JPEG2000"),
    "avif": lambda: encoded(picture(), "AVIF"),
}
BROKEN: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "a beginning": lambda: b"\xff\xd8\xff",
    "text": lambda: b"no picture at all",
    "png cut off": lambda: encoded(picture(), "PNG")[:-400],
    "jpeg of 12 bits": lambda: encoded(picture()).replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"),
    "jpeg without tables": lambda: encoded(picture()).replace(b"\xff\xc4", b"\xff\xfe"),
    "jpeg of no height": lambda: _resized(encoded(picture()), 0),
    "jpeg of less height": lambda: _resized(encoded(picture()), 20),
    "jpeg of more height": lambda: _resized(encoded(picture()), 200),
    "jpeg too large": lambda: _resized(encoded(picture()), 65500, 65500),
}


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _resized(data: bytes, height: int, width: int = 53) -> bytes:
    frame = data.index(b"\xff\xc0")
    return data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 :]


def outcome(read: Callable[[], AnyArray]) -> AnyArray | str:
    try:
        return read()
    except UnreadableImageError as error:
        return str(error)


def same(data: bytes, settings: Pixels | None = None) -> bool:
    found = outcome(lambda: with_pixels(data, np.array, settings))
    expected = outcome(lambda: np.array(decode_image(data, settings)))
    if isinstance(found, str) or isinstance(expected, str):
        return isinstance(found, str) and found == expected
    return found.dtype == np.uint8 and found.flags.c_contiguous and np.array_equal(found, expected)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("kind", [*PLAIN, *OTHER, *BROKEN])
def test_pixels_are_those_of_the_picture(kind: str) -> None:
    data = {**PLAIN, **OTHER, **BROKEN}[kind]()
    assert same(data)
    assert same(data, Pixels(invert=True))
    assert same(data, Pixels(page=2))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("kind", PLAIN)
def test_usual_jpegs_take_the_quick_way(kind: str) -> None:
    data = PLAIN[kind]()
    header = jpeg_header(data)
    assert header is not None
    assert decode_plain_jpeg(data, header) is not None


@pytest.mark.parametrize("kind", OTHER)
def test_others_do_not(kind: str) -> None:
    assert jpeg_header(OTHER[kind]()) is None


def test_a_jpeg_cut_off_anywhere_is_as_unreadable_as_the_picture() -> None:
    for data in (encoded(picture(19, 21)), encoded(picture(19, 21), progressive=True), turned(5)):
        assert all(same(data[:length]) for length in range(0, len(data), 7))
        assert all(same(data[:length]) for length in range(len(data) - 12, len(data)))


def test_damaged_jpegs_give_what_the_picture_gives() -> None:
    rng = np.random.default_rng(0)
    data = bytearray(encoded(picture(40, 30), quality=80))
    for _ in range(300):
        damaged = bytearray(data)
        for place in rng.integers(2, len(data), rng.integers(1, 4)):
            damaged[place] = rng.integers(256)
        assert same(bytes(damaged)), damaged.hex()


def test_sizes_of_all_remainders_decode_alike() -> None:
    for width in range(1, 36, 5):
        for height in range(1, 36, 7):
            assert same(encoded(picture(width, height), subsampling=2)), (width, height)


def test_the_picture_is_seen_upright() -> None:
    upright = ImageOps.exif_transpose(Image.open(BytesIO(turned(6))))
    assert with_pixels(turned(6), lambda pixels: pixels.shape) == (upright.height, upright.width, 3)
