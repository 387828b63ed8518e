"""HEIF images, with and without the extra."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from workbench.datasets import open_dataset
from workbench.datasets.formats import heif
from workbench.datasets.formats.heif import is_heif
from workbench.datasets.images import decode_image, image_size
from workbench.errors import DataError

pillow_heif = pytest.importorskip("pillow_heif", reason="the extra heif is not installed")


@pytest.fixture
def photo():
    coarse = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((60, 40), Image.Resampling.BICUBIC)
    out = BytesIO()
    pillow_heif.from_pillow(picture).save(out, quality=95)
    return out.getvalue(), np.asarray(picture).astype(int)


def test_photographs_are_read(photo):
    data, pixels = photo
    assert is_heif(data)
    assert image_size(data) == (60, 40)
    assert np.abs(np.asarray(decode_image(data)).astype(int) - pixels).mean() < 6


def test_without_the_extra_the_file_is_named_and_what_to_install(photo, tmp_path, settings, monkeypatch):
    for name in ("a/0.heic", "b/1.heic"):
        (tmp_path / "set" / name).parent.mkdir(parents=True)
        (tmp_path / "set" / name).write_bytes(photo[0])
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    heif.register_heif.cache_clear()
    with pytest.raises(DataError, match=r"0\.heic is a HEIF image.*clip-workbench\[heif\]|1\.heic is a HEIF image"):
        open_dataset(str(tmp_path / "set"), settings)
    monkeypatch.undo()
    heif.register_heif.cache_clear()
    assert len(open_dataset(str(tmp_path / "set"), settings)) == 2


def test_avif_is_none():
    out = BytesIO()
    Image.new("RGB", (16, 16)).save(out, "AVIF")
    assert not is_heif(out.getvalue())
