"""Windows that cover images, and their features."""

import numpy as np
import pytest
from PIL import Image

from tests.features.subjects import TinyEncoder, UnloadableEncoder
from workbench.errors import DataError, WorkbenchError
from workbench.features import FeatureStore, extract
from workbench.features.regions import as_shares
from workbench.features.tiles import Tiler, tile_boxes
from workbench.images import Features, ImageSet


@pytest.mark.parametrize(
    ("size", "n", "columns", "rows"),
    [((192, 192), 5, 5, 5), ((400, 100), 5, 10, 2), ((100, 400), 4, 2, 8), ((60, 40), 1, 1, 1), ((7, 5), 3, 4, 3)],
)
def test_windows_overlap_by_half_and_cover_the_image(size, n, columns, rows):
    boxes = np.array(tile_boxes(size, n))
    assert len(boxes) == columns * rows
    covered = np.zeros((size[1], size[0]), dtype=int)
    for left, top, right, bottom in boxes:
        assert right > left
        assert bottom > top
        covered[top:bottom, left:right] += 1
    assert covered.min() >= 1
    across = boxes[:columns]
    # Each window begins in the middle of the one before it.
    np.testing.assert_allclose(across[1:, 0], (across[:-1, 0] + across[:-1, 2]) / 2, atol=1)
    np.testing.assert_allclose(boxes[:, 2] - boxes[:, 0], 2 * size[0] / (columns + 1), atol=1)


@pytest.mark.parametrize("n", [1, 3, 5, 7])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 2), (3, 1)])
def test_windows_of_tiny_images_lie_inside(size, n):
    for left, top, right, bottom in tile_boxes(size, n):
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]


def test_a_panorama_does_not_have_thousands():
    assert len(tile_boxes((60_000, 1), 5)) == 25


def test_features_are_those_of_the_cut_out_pictures(dataset, cache):
    encoder = TinyEncoder()
    tiles = Tiler(dataset, encoder, FeatureStore(cache))(np.array([3, 1]), 2)
    boxes = tile_boxes((48, 32), 2)
    assert len(tiles.images) == 2 * len(boxes)
    assert tiles.owner.tolist() == [0] * len(boxes) + [1] * len(boxes)
    for i, (row, box) in enumerate((row, box) for row in (3, 1) for box in boxes):
        picture = Image.open(dataset.paths[row]).convert("RGB").crop(box)
        expected = encoder.encode_images(encoder.preprocess(picture)[None])
        np.testing.assert_allclose(tiles.images.features.pooled[i], expected.pooled[0], atol=1e-5)
        np.testing.assert_array_equal(np.asarray(tiles.images.decode(i)), np.asarray(picture))
        np.testing.assert_allclose(tiles.images.places[i], as_shares([box], (48, 32))[0])


def test_they_are_computed_once(dataset, cache):
    assert [
        found.computed for found in Tiler(dataset, TinyEncoder(), FeatureStore(cache)).prepare(np.arange(4), 3)
    ] == [4 * 8]
    again = Tiler(dataset, UnloadableEncoder(), FeatureStore(cache))(np.array([2, 0]), 3)
    assert np.isfinite(again.images.features.projected).all()


def test_a_file_that_is_gone_is_named(dataset, cache):
    dataset.paths[1].unlink()
    with pytest.raises(DataError, match=dataset.paths[1].name):
        Tiler(dataset, TinyEncoder(), FeatureStore(cache))(np.array([1]), 2)


def test_subsets_of_images_have_their_own_tiles(dataset, cache, store):
    encoder = TinyEncoder()
    rows = np.arange(5)
    features = extract(dataset, rows, encoder, store).features
    images = ImageSet(5, lambda: features, lambda _: None, cut=Tiler(dataset, encoder, FeatureStore(cache)))
    whole, part = images.tiles(2), images.subset([4, 2]).tiles(2)
    for position, row in enumerate((4, 2)):
        np.testing.assert_array_equal(
            part.images.features.pooled[part.owner == position], whole.images.features.pooled[whole.owner == row]
        )
    # Windows are not cut again, and boxes neither; their subsets know where they lie.
    with pytest.raises(WorkbenchError, match="cannot be cut into tiles"):
        whole.images.tiles(2)
    np.testing.assert_array_equal(whole.images.subset([6, 1]).places, whole.images.places[[6, 1]])
    assert images.places is None
    assert images.subset([1]).places is None


def test_images_without_a_dataset_say_so():
    nothing = Features(np.empty((0, 1), np.float32), np.empty((0, 1), np.float32))
    with pytest.raises(WorkbenchError, match="only whole images of a dataset"):
        ImageSet(0, lambda: nothing, lambda _: None).tiles(2)
