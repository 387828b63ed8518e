"""Whatever a camera, scanner or microscope writes becomes upright RGB, or an error with its reason."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from workbench.datasets.images import decode_image, image_size, with_image
from workbench.datasets.unreadable import MAX_PIXELS, UnreadableImageError
from workbench.errors import DataError


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(data: bytes) -> np.ndarray:
    image = decode_image(data)
    assert image.mode == "RGB"
    return np.asarray(image)


@pytest.fixture
def ramp() -> np.ndarray:
    return np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_plain_jpeg_equals_pillow(ramp):
    data = encoded(Image.fromarray(np.stack([ramp, ramp.T, 255 - ramp], axis=-1)), "JPEG")
    assert np.array_equal(pixels(data), np.asarray(Image.open(BytesIO(data))))


def test_greyscale_repeats_over_channels(ramp):
    assert np.array_equal(pixels(encoded(Image.fromarray(ramp))), np.repeat(ramp[..., None], 3, axis=-1))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_keeps_full_range(ramp, kind):
    deep = Image.fromarray(ramp.astype(np.uint16) * 257)
    assert np.array_equal(pixels(encoded(deep, kind))[..., 0], ramp)


def test_12_bits_in_a_16_bit_file_are_not_nearly_black():
    values = np.linspace(0, 4095, 256).astype(np.uint16).reshape(16, 16)
    found = pixels(encoded(Image.fromarray(values)))[..., 0]
    assert np.abs(found.astype(float) - values / 4095 * 255).max() <= 0.5


def test_8_bits_in_a_16_bit_file_are_taken_as_they_are(ramp):
    assert np.array_equal(pixels(encoded(Image.fromarray(ramp.astype(np.uint16))))[..., 0], ramp)


def test_uniform_16_bit_white_stays_white():
    assert (pixels(encoded(Image.fromarray(np.full((3, 3), 65535, dtype=np.uint16)))) == 255).all()


def test_signed_and_float_values_are_stretched_or_kept():
    signed = np.array([[-1000, 0], [1000, 3000]], dtype=np.int32)
    assert pixels(encoded(Image.fromarray(signed), "TIFF"))[..., 0].tolist() == [[0, 64], [128, 255]]
    unit = np.array([[0.0, 0.25], [0.5, np.nan]], dtype=np.float32)
    assert pixels(encoded(Image.fromarray(unit), "TIFF"))[..., 0].tolist() == [[0, 64], [128, 0]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_over_white(mode):
    image = Image.new(mode, (2, 1), (0, 0, 0, 0) if mode == "RGBA" else (0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255) if mode == "RGBA" else (0, 255))
    assert pixels(encoded(image))[0].tolist() == [[255, 255, 255], [0, 0, 0]]


def test_half_transparent_red_is_pink():
    assert pixels(encoded(Image.new("RGBA", (1, 1), (255, 0, 0, 128))))[0, 0].tolist() == [255, 127, 127]


def test_palette_with_and_without_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    assert pixels(encoded(image))[0].tolist() == [[255, 0, 0], [0, 0, 255]]
    assert pixels(encoded(image, transparency=0))[0].tolist() == [[255, 255, 255], [0, 0, 255]]


def test_transparent_colour_of_an_rgb_png_is_white():
    image = Image.new("RGB", (2, 1), (10, 20, 30))
    image.putpixel((1, 0), (0, 255, 0))
    assert pixels(encoded(image, transparency=(10, 20, 30)))[0].tolist() == [[255, 255, 255], [0, 255, 0]]


def test_cmyk():
    data = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100, subsampling=0)
    assert np.abs(pixels(data)[0, 0].astype(int) - [255, 0, 0]).max() <= 3


def test_bilevel_and_one_pixel():
    assert pixels(encoded(Image.new("1", (3, 2), 1))).shape == (2, 3, 3)
    assert pixels(encoded(Image.new("RGB", (1, 1), (1, 2, 3)))).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_applied(orientation, kind):
    # Stored as a camera stores it: the upright picture is red above green left of blue above white.
    upright = np.zeros((16, 32, 3), dtype=np.uint8)
    upright[:8, :16], upright[8:, :16] = (255, 0, 0), (0, 255, 0)
    upright[:8, 16:], upright[8:, 16:] = (0, 0, 255), (255, 255, 255)
    undo = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
            5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, 1),
            7: lambda a: a[::-1, ::-1].transpose(1, 0, 2), 8: lambda a: np.rot90(a, -1)}[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    data = encoded(Image.fromarray(np.ascontiguousarray(undo(upright))), kind, exif=exif, **options)
    found = pixels(data).astype(int)
    assert found.shape == upright.shape
    assert np.abs(found - upright).max() <= 4
    assert image_size(data) == (32, 16)


def test_damaged_exif_spoils_nothing(ramp):
    data = encoded(Image.fromarray(ramp).convert("RGB"), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert pixels(data).shape == (16, 16, 3)


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixels(data)[0, 0].tolist() == [255, 0, 0]


def _png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def _truncated() -> bytes:
    data = encoded(Image.effect_noise((64, 64), 60), "JPEG")
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"this is text", "known format"),
        (_truncated(), "truncated"),
        (encoded(Image.effect_noise((64, 64), 60))[:-600], "truncated"),
        (_png_header(50_000, 50_000), "pixels"),
        (_png_header(MAX_PIXELS // 1000 + 1, 1000), "pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", "known format"),
    ],
    ids=["empty", "text", "truncated-jpeg", "truncated-png", "bomb", "just-too-large", "eps"],
)
def test_unreadable_gives_its_reason(data, reason):
    with pytest.raises(UnreadableImageError, match=reason) as caught:
        decode_image(data)
    assert isinstance(caught.value, DataError)
    assert "0x" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"no image", _truncated()[:20]])
def test_a_header_that_cannot_be_read_has_no_size(data):
    with pytest.raises(UnreadableImageError):
        image_size(data)


@pytest.mark.parametrize("mode", ["I;16", "I", "F", "LA", "RGBA", "P"])
def test_in_bands_an_image_is_the_same(mode, monkeypatch):
    rng = np.random.default_rng(0)
    if mode == "I;16":
        picture = Image.fromarray(rng.integers(0, 4000, (20, 12), dtype=np.uint16))
    elif mode in {"I", "F"}:
        picture = Image.fromarray((rng.normal(size=(20, 12)) * 500).astype(np.int32 if mode == "I" else np.float32))
    elif mode == "P":
        picture = Image.fromarray(rng.integers(0, 255, (20, 12, 3), dtype=np.uint8)).quantize(8)
    else:
        picture = Image.fromarray(rng.integers(0, 255, (20, 12, len(mode)), dtype=np.uint8), mode)
    out = BytesIO()
    picture.save(out, "TIFF" if mode in {"I", "F"} else "PNG", **({"transparency": 3} if mode == "P" else {}))
    whole = np.asarray(decode_image(out.getvalue()))
    monkeypatch.setattr("workbench.datasets.grey._BAND_PIXELS", 40)
    assert np.array_equal(np.asarray(decode_image(out.getvalue())), whole)


def test_large_images_are_decoded_one_after_the_other(monkeypatch):
    import threading
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr("workbench.datasets.images._LARGE", 10)
    monkeypatch.setattr("workbench.datasets.images.MAX_PIXELS", 100)
    out, inside, most = BytesIO(), [0], [0]
    Image.new("RGB", (9, 9)).save(out, "PNG")
    lock = threading.Lock()

    def use(image):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        with lock:
            inside[0] -= 1
        return image.size

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: with_image(out.getvalue(), use), range(12))) == {(9, 9)}
    assert most == [1]
