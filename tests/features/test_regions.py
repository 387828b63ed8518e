"""Boxes as pictures, and their features by box and context."""

import io

import numpy as np
import pytest
from PIL import Image

from workbench.datasets.pictures import Pictures
from workbench.errors import DataError
from workbench.features.regions import Regions, cut_out
from workbench.features.views import check_view


@pytest.fixture
def image():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


class OneImage(Pictures):
    def __init__(self, image):
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        self.data = buffer.getvalue()
        self.reads = 0

    def hashes(self, rows):
        import hashlib

        digest = hashlib.blake2b(self.data, digest_size=32).digest()
        return np.stack([np.frombuffer(digest, np.uint8)] * len(rows))

    def ids(self, rows):
        return ["scene.png"] * len(rows)

    def read(self, row):
        self.reads += 1
        return self.data


def test_a_crop_is_the_box_with_its_margin_inside_the_image(image):
    pixels = np.asarray(image)
    np.testing.assert_array_equal(cut_out(image, (10, 10, 30, 20), "crop", 0), pixels[10:20, 10:30])
    np.testing.assert_array_equal(cut_out(image, (10, 10, 30, 20), "crop", 0.5), pixels[5:25, 0:40])
    np.testing.assert_array_equal(cut_out(image, (0, 0, 60, 40), "crop", 1), pixels)


def test_blur_leaves_the_box_and_nothing_else(image):
    blurred, pixels = np.asarray(cut_out(image, (10, 10, 30, 20), "blur", 0)), np.asarray(image)
    np.testing.assert_array_equal(blurred[10:20, 10:30], pixels[10:20, 10:30])
    assert blurred[25:].std() < 0.5 * pixels[25:].std()


def test_circle_draws_red_about_the_box_and_leaves_its_middle(image):
    marked, pixels = np.asarray(cut_out(image, (10, 10, 40, 35), "circle", 0)), np.asarray(image)
    changed = (marked != pixels).any(axis=2)
    assert (marked[changed] == (255, 0, 0)).all()
    assert 0 < changed.sum() < 200
    assert not changed[20:25, 20:30].any()
    assert not changed[:10].any()


def test_a_box_outside_is_refused(image):
    with pytest.raises(DataError, match=r"outside of its image of 60 x 40"):
        cut_out(image, (70, 10, 80, 20), "crop", 0)


def test_a_key_is_the_image_the_box_and_the_margin(image):
    source = OneImage(image)
    boxes = [(0, 0, 5, 5), (0, 0, 5, 6), (0, 0, 5, 5)]
    keys = Regions(source, [0, 0, 0], boxes, "crop", 0.1).hashes(np.arange(3))
    wider = Regions(source, [0], boxes[:1], "crop", 0.2).hashes(np.arange(1))
    np.testing.assert_array_equal(keys[0], keys[2])
    assert (keys[0] != keys[1]).any()
    assert (keys[0] != wider[0]).any()
    assert source.reads == 0


def test_changed_bytes_are_noticed(image):
    source = OneImage(image)
    regions = Regions(source, [0], [(0, 0, 5, 5)], "crop", 0)
    assert regions.decode(0).size == (5, 5)
    honest = source.hashes
    source.hashes = lambda rows: honest(rows) ^ 1
    with pytest.raises(DataError, match="contents changed"):
        Regions(source, [0], [(0, 0, 5, 5)], "crop", 0).decode(0)


def test_region_views_are_known():
    for view in ("crop", "blur", "circle"):
        check_view(view)
