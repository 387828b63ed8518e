"""What happens at the same time: decoding, stacking, and batches under way on a device."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.features.subjects import Folder, TinyEncoder, add_photos
from workbench.features import FeatureStore, extract
from workbench.features._pipeline import Batch, Job, computed
from workbench.images import Features

PATIENCE = 60.0


@pytest.fixture
def dataset(tmp_path: Path) -> Folder:
    add_photos(tmp_path / "photos", 12)
    return Folder(tmp_path / "photos")


def test_images_are_decoded_while_the_network_works(dataset: Folder, tmp_path: Path) -> None:
    class Waiting(TinyEncoder):
        """Ends no batch before the next one is decoded."""

        def __init__(self) -> None:
            super().__init__()
            self.decoded = threading.Semaphore(0)

        def preprocess(self, image):
            pixels = super().preprocess(image)
            if image.size != (8, 8):
                self.decoded.release()
            return pixels

        def encode_images(self, pixels):
            coming = min(8, 12 - self.images_seen)
            assert all(self.decoded.acquire(timeout=PATIENCE) for _ in range(coming if self.images_seen == 0 else 4))
            return super().encode_images(pixels)

    encoder = Waiting()
    encoder.decoded.release(4)  # For the last batch, behind which none comes.
    assert extract(dataset, dataset.rows, encoder, FeatureStore(tmp_path / "cache"), batch_size=4).computed == 12


def a_stream(count: int) -> Iterator[Batch]:
    for i in range(count):
        pixels = None if i == 1 else torch.full((2, 3, 4, 4), float(i))
        yield Batch([Job(2 * i + j, bytes([i, j])) for j in range(2)], {}, pixels, {})


def mean(pixels: torch.Tensor) -> Features:
    values = pixels.mean(dim=(2, 3)).numpy()
    return Features(values, values)


@pytest.mark.parametrize("lanes", [0, 1, 2])
def test_batches_come_back_in_order_however_many_are_under_way(lanes: int) -> None:
    with computed(a_stream(6), mean, lanes) as results:
        found = [(batch.jobs[0].row, features) for batch, features in results]
    assert [row for row, _ in found] == [0, 2, 4, 6, 8, 10]
    assert found[1][1] is None
    values = [features.pooled[0, 0] for _, features in found if features is not None]
    np.testing.assert_array_equal(values, [0, 2, 3, 4, 5])


def test_two_lanes_have_two_batches_under_way() -> None:
    both = threading.Barrier(2, timeout=PATIENCE)

    def compute(pixels: torch.Tensor) -> Features:
        both.wait()
        return mean(pixels)

    with computed(a_stream(5), compute, 2) as results:  # Four of them have pixels.
        assert len(list(results)) == 5


@pytest.mark.parametrize("lanes", [0, 2])
def test_an_error_of_the_network_comes_in_its_batchs_turn(lanes: int) -> None:
    seen = []

    def compute(pixels: torch.Tensor) -> Features:
        if pixels[0, 0, 0, 0] == 4:
            raise RuntimeError("device lost")
        return mean(pixels)

    with pytest.raises(RuntimeError), computed(a_stream(50), compute, lanes) as results:
        for batch, _ in results:
            seen.append(batch.jobs[0].row)
    assert seen == [0, 2, 4, 6]
