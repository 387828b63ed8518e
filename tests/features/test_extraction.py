"""What can be odd about single images, and what an interrupted extraction leaves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.features.subjects import Folder, TinyEncoder, UnloadableEncoder, add_photos
from workbench.arrays import AnyArray
from workbench.errors import ModelError, WorkbenchError
from workbench.features import FeatureStore, extract
from workbench.images import Features


def test_no_rows_at_all(dataset: Folder, store: FeatureStore) -> None:
    found = extract(dataset, dataset.rows[:0], UnloadableEncoder(), store)
    assert found.features.pooled.shape == (0, 8)
    assert found.features.projected.shape == (0, 5)
    assert found.unreadable == []


def test_contents_that_changed_since_listing_are_neither_used_nor_stored(
    dataset: Folder, photos: Path, cache: Path
) -> None:
    path = dataset.paths[4]
    original = path.read_bytes()
    Image.new("RGB", (9, 9), "red").save(path)
    found = extract(dataset, dataset.rows, TinyEncoder(), FeatureStore(cache))
    assert [name for name, _ in found.unreadable] == [path.name]
    assert "changed after the dataset was listed" in found.unreadable[0][1]
    path.write_bytes(original)
    again = extract(dataset, dataset.rows, TinyEncoder(), FeatureStore(cache))
    assert (again.computed, again.unreadable) == (1, [])


def test_images_without_a_hash_are_not_taken_for_one_another(photos: Path, cache: Path) -> None:
    for name in ("0001.jpg", "0002.jpg"):
        (photos / name).unlink()
        (photos / name).symlink_to(photos / "nowhere")
    listed = Folder(photos)
    listed.paths = sorted([*listed.paths, photos / "0001.jpg", photos / "0002.jpg"])
    listed._hashes = [listed._hash(path) for path in listed.paths]
    found = extract(listed, listed.rows, TinyEncoder(), FeatureStore(cache))
    assert [name for name, _ in found.unreadable] == ["0001.jpg", "0002.jpg"]
    assert all("0001" in reason or "0002" in reason for _, reason in found.unreadable)
    add_photos(photos, 1, first=77)
    assert extract(Folder(photos), np.array([0]), UnloadableEncoder(), FeatureStore(cache)).computed == 0


def test_a_batch_of_nothing_but_unreadable_images(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "bad").mkdir()
    for i in range(5):
        (tmp_path / "bad" / f"{i}.jpg").write_bytes(b"x" * (i + 1))
    dataset = Folder(tmp_path / "bad")
    found = extract(dataset, dataset.rows, TinyEncoder(), FeatureStore(cache), batch_size=2)
    assert (found.computed, len(found.unreadable)) == (0, 5)
    assert extract(dataset, dataset.rows, UnloadableEncoder(), FeatureStore(cache)).unreadable == found.unreadable


def test_equal_contents_under_two_names_are_computed_once(photos: Path, cache: Path) -> None:
    (photos / "copy.jpg").write_bytes((photos / "0001.jpg").read_bytes())
    dataset, encoder = Folder(photos), TinyEncoder()
    found = extract(dataset, dataset.rows, encoder, FeatureStore(cache))
    assert encoder.images_seen == found.computed == 23
    names = dataset.ids(dataset.rows)
    one, two = names.index("0001.jpg"), names.index("copy.jpg")
    np.testing.assert_array_equal(found.features.projected[one], found.features.projected[two])


def test_views_are_kept_apart(dataset: Folder, encoder: TinyEncoder, store: FeatureStore) -> None:
    extract(dataset, dataset.rows, encoder, store)
    assert extract(dataset, dataset.rows, encoder, store, view="crop").computed == 23
    assert extract(dataset, dataset.rows, encoder, store, view="crop").computed == 0
    with pytest.raises(WorkbenchError, match="Did you mean 'crop'"):
        extract(dataset, dataset.rows, encoder, store, view="crops")


def test_an_interrupt_keeps_what_was_computed(dataset: Folder, cache: Path) -> None:
    class Interrupted(TinyEncoder):
        def encode_images(self, pixels: torch.Tensor) -> Features:
            if self.images_seen >= 8:
                raise KeyboardInterrupt
            return super().encode_images(pixels)

    with pytest.raises(KeyboardInterrupt):
        extract(dataset, dataset.rows, Interrupted(), FeatureStore(cache), batch_size=4)
    found = extract(dataset, dataset.rows, TinyEncoder(), FeatureStore(cache))
    assert found.computed == 15


def test_the_good_rows_of_a_bad_batch_are_kept(dataset: Folder, cache: Path) -> None:
    class Broken(TinyEncoder):
        def encode_images(self, pixels: torch.Tensor) -> Features:
            found = super().encode_images(pixels)
            found.pooled[3, 0] = np.inf
            return found

    with pytest.raises(ModelError, match=r"1 of 10 images, '0003\.png' first.*fp32; its weights are damaged"):
        extract(dataset, dataset.rows, Broken(), FeatureStore(cache), batch_size=10)
    found = extract(dataset, dataset.rows, TinyEncoder(), FeatureStore(cache))
    assert found.computed == 14
    assert np.isfinite(found.features.pooled).all()


def test_an_error_of_the_model_is_not_taken_for_an_unreadable_image(dataset: Folder, store: FeatureStore) -> None:
    class Failing(TinyEncoder):
        def preprocess(self, image: Image.Image) -> torch.Tensor:
            if image.size != (8, 8):
                raise RuntimeError("out of memory")
            return super().preprocess(image)

    with pytest.raises(RuntimeError, match="out of memory"):
        extract(dataset, dataset.rows, Failing(), store)


class OfPixels(TinyEncoder):
    """Takes 8-bit pixels, and asks for samples once."""

    def __init__(self) -> None:
        super().__init__()
        self.samples_needed = 3
        self.compared: list[tuple[torch.Tensor, torch.Tensor]] = []

    def pixel_transform(self, pixels: AnyArray) -> torch.Tensor:
        assert pixels.dtype == np.uint8
        size = (self.size, self.size)
        return torch.from_numpy(np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)))

    def compare(self, pixels: torch.Tensor, reference: torch.Tensor) -> None:
        self.compared.append((pixels, reference))
        self.samples_needed = 0

    def encode_images(self, pixels: torch.Tensor) -> Features:
        assert pixels.dtype == torch.uint8
        assert pixels.shape[1:] == (3, self.size, self.size)
        return super().encode_images(pixels.float() / 127.5 - 1)


def test_encoders_that_take_8_bit_pixels_are_given_them(photos: Path, tmp_path: Path) -> None:
    (photos / "0002.jpg").write_bytes(b"no picture")
    dataset = Folder(photos)
    expected = extract(dataset, dataset.rows, TinyEncoder(), FeatureStore(tmp_path / "one"))
    found = extract(dataset, dataset.rows, OfPixels(), FeatureStore(tmp_path / "two"), batch_size=4)
    np.testing.assert_allclose(found.features.projected, expected.features.projected, rtol=1e-5, atol=1e-5)
    assert found.unreadable == expected.unreadable
    assert len(found.unreadable) == 1


def test_the_first_readable_images_are_compared_with_the_reference_once(photos: Path, cache: Path) -> None:
    (photos / "0001.jpg").write_bytes(b"no picture")
    dataset, encoder = Folder(photos), OfPixels()
    extract(dataset, dataset.rows, encoder, FeatureStore(cache))
    ((pixels, reference),) = encoder.compared
    assert (pixels.dtype, reference.dtype) == (torch.uint8, torch.float32)
    torch.testing.assert_close(pixels.float() / 127.5 - 1, reference)
    pictures = [dataset.with_picture(row, encoder.preprocess) for row in (0, 2, 3)]
    torch.testing.assert_close(reference, torch.stack(pictures))
    add_photos(photos, 4, first=90)
    again = Folder(photos)
    extract(again, again.rows, encoder, FeatureStore(cache))
    assert len(encoder.compared) == 1
