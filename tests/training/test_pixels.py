"""Inputs: the model's own view for evaluation, reproducible augmentation for training, decoded no more than needed."""

from collections import Counter

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from workbench.models import LoadedModel
from workbench.plugin import ImageSet
from workbench.training import Augmentation, Compute, MemoryBudget, PixelSource

MEAN, STD = (0.48, 0.45, 0.40), (0.26, 0.26, 0.27)
SIZES = [(64, 48), (40, 90), (16, 16), (200, 50), (33, 33)]
FP32 = Compute("cpu", "fp32")


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in SIZES]


@pytest.fixture
def decoded():
    return Counter()


@pytest.fixture
def images(pictures, decoded):
    def decode(i):
        decoded[i] += 1
        return pictures[i]

    return ImageSet(len(pictures), lambda: pytest.fail("features were asked for"), decode)


def loaded(preprocess=None, size=(32, 32)):
    own = image_transform_v2(PreprocessCfg(size=size, mean=MEAN, std=STD), is_train=False)
    return LoadedModel(torch.nn.Identity(), preprocess or own, lambda texts: texts, size, MEAN, STD)


def source(images, budget=None, **model):
    return PixelSource(images, loaded(**model), FP32, budget)


def epoch(pixels, augmentation, batches=((4, 2), (0, 1, 3)), seed=0, number=0):
    rows = [np.array(own) for own in batches]
    found = list(pixels.training(rows, augmentation, seed, number))
    assert [own.tolist() for own, _ in found] == [list(own) for own in batches]
    return {int(row): view for own, views in found for row, view in zip(own, views, strict=True)}


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64])
def test_evaluation_shows_what_the_model_sees(images, pictures, batch_size):
    expected = torch.stack([loaded().preprocess(picture) for picture in pictures])
    pixels = source(images, MemoryBudget(1e9))
    for _ in range(2):  # The second time from memory.
        batches = list(pixels.evaluation(batch_size))
        assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
        torch.testing.assert_close(torch.cat(batches), expected, atol=2e-6, rtol=0)


def test_a_view_that_bytes_cannot_hold_is_kept_as_it_is(images, pictures):
    def preprocess(picture):
        return loaded().preprocess(picture) * 0.37

    pixels = source(images, MemoryBudget(1e9), preprocess=preprocess)
    for _ in range(2):
        (found,) = pixels.evaluation(8)
        assert torch.equal(found, torch.stack([preprocess(picture) for picture in pictures]))


def test_each_image_is_decoded_once_while_memory_lasts(images, decoded):
    pixels = source(images, MemoryBudget(1e9))
    for number in range(3):
        epoch(pixels, Augmentation(), number=number)
    assert set(decoded.values()) == {1}


def test_too_little_memory_changes_nothing_but_the_work(images, decoded):
    plenty, none = source(images, MemoryBudget(1e9)), source(images)
    some = source(images, MemoryBudget(3 * 32 * 32 * 4))
    for number in range(2):
        found = [epoch(pixels, Augmentation(), number=number) for pixels in (plenty, none, some)]
        for row, view in found[0].items():
            assert torch.equal(view, found[1][row])
            assert torch.equal(view, found[2][row])
    assert sum(decoded.values()) > 2 * len(SIZES) + len(SIZES)


def test_augmentation_depends_on_seed_epoch_and_row_alone(images):
    pixels = source(images)
    first = epoch(pixels, Augmentation())
    for row, view in epoch(pixels, Augmentation(), batches=((0,), (1, 2, 3, 4))).items():
        assert torch.equal(view, first[row])
    for changed in (epoch(pixels, Augmentation(), seed=1), epoch(pixels, Augmentation(), number=1)):
        assert any(not torch.equal(changed[row], first[row]) for row in first)


def test_without_augmentation_training_shows_the_evaluation_view(images):
    pixels = source(images)
    (expected,) = pixels.evaluation(8)
    for row, view in epoch(pixels, Augmentation(min_crop=1.0, flip=False)).items():
        assert torch.equal(view, expected[row])


def test_flips_half_of_the_images(images):
    pixels = source(images, MemoryBudget(1e9))
    (plain,) = pixels.evaluation(8)
    flipped = 0
    for number in range(20):
        for row, view in epoch(pixels, Augmentation(min_crop=1.0), number=number).items():
            mirrored = torch.equal(view, plain[row].flip(-1))
            assert mirrored or torch.equal(view, plain[row])
            flipped += mirrored
    assert 30 <= flipped <= 70


def test_crops_are_normalised_and_of_the_input_s_size(images):
    pixels = source(images, size=(24, 40))
    for view in epoch(pixels, Augmentation()).values():
        assert view.shape == (3, 24, 40)
        levels = view * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
        assert levels.min() >= -1e-5
        assert levels.max() <= 1 + 1e-5


@pytest.mark.parametrize("ratio", [1.0, 1.5])
@pytest.mark.parametrize(("height", "width"), [(48, 64), (200, 200), (1, 1), (1, 300), (400, 7)])
def test_boxes_lie_inside_the_picture(height, width, ratio):
    rng = np.random.default_rng(0)
    for _ in range(200):
        top, left, h, w = Augmentation(min_crop=0.3).box(rng, height, width, ratio)
        assert 0 <= top <= top + h <= height
        assert 0 <= left <= left + w <= width
        assert min(h, w) >= 1


def test_boxes_keep_the_share_of_the_area_that_was_asked_for():
    rng = np.random.default_rng(0)
    boxes = np.array([Augmentation(min_crop=0.4).box(rng, 300, 400) for _ in range(2000)])
    areas = boxes[:, 2] * boxes[:, 3] / (300 * 400)
    assert 0.39 < areas.min() < 0.42
    aspects = boxes[:, 3] / boxes[:, 2]
    assert 0.74 < aspects.min() < 0.77
    assert 1.30 < aspects.max() < 1.35
    centres = boxes[:, 1] + boxes[:, 3] / 2
    assert abs(centres.mean() - 200) < 5


def test_an_unreadable_image_raises_where_it_is_needed(pictures):
    def decode(i):
        if i == 3:
            raise OSError("gone")
        return pictures[i]

    pixels = source(ImageSet(5, lambda: None, decode))
    with pytest.raises(OSError, match="gone"):
        list(pixels.evaluation(2))


def test_leaving_early_leaves_no_thread_waiting(images):
    import threading

    before = threading.active_count()
    stream = source(images).evaluation(1)
    next(stream)
    stream.close()
    assert threading.active_count() == before
