"""A step's images and texts depend on its number alone, and every true text is a positive."""

import numpy as np
import pytest
import torch

from workbench.adaptation.config import TrainedOn, Training
from workbench.adaptation.pairs import TrainingPairs
from workbench.datasets import open_dataset
from workbench.errors import DataError

STEPS = Training(steps=10, batch_size=10)


def test_it_goes_on_from_any_step(adaptation):
    whole = list(adaptation(STEPS).stream.batches(0, 7))
    late = list(adaptation(STEPS).stream.batches(5, 7))
    for a, b in zip(whole[5:], late, strict=True):
        assert a.texts == b.texts
        np.testing.assert_array_equal(a.belongs, b.belongs)
        torch.testing.assert_close(torch.stack(list(a.images)), torch.stack(list(b.images)), rtol=0, atol=0)
    assert whole[0].texts != whole[1].texts
    # 24 images: a second epoch sees the same images anew, changed otherwise.
    assert len({image.numpy().tobytes() for batch in whole for image in batch.images}) == 70


def test_how_many_are_read_ahead_changes_nothing(adaptation):
    few, many = (next(adaptation(STEPS, ahead=ahead).stream.batches(0, 1)) for ahead in (3, 100))
    torch.testing.assert_close(torch.stack(list(few.images)), torch.stack(list(many.images)), rtol=0, atol=0)


def test_all_true_texts_are_positives(adaptation, pairs):
    source = pairs("colours", texts=("names", "taxonomy"), taxonomy=("family",))
    batch = next(adaptation(STEPS, [source]).stream.batches(0, 1))
    assert len(batch.images) == 10
    assert len(set(batch.texts)) == len(batch.texts)
    assert batch.belongs.any(axis=1).all()
    assert batch.belongs.any(axis=0).all()
    colour = ["red" if "red" in text else "green" if "green" in text else "blue" for text in batch.texts]
    for row in batch.belongs:  # An image belongs to all sentences of its class, and to no other.
        (own,) = {c for c, belongs in zip(colour, row, strict=True) if belongs}
        np.testing.assert_array_equal(row, [c == own for c in colour])


def test_datasets_have_their_shares_of_every_batch(adaptation, pairs):
    batches = list(adaptation(STEPS, [pairs(), pairs("colours", texts="names")]).stream.batches(0, 4))
    for batch in batches:
        names = batch.belongs[:, ["square" in text.split(" ")[-1] for text in batch.texts]]
        assert names[5:].any(axis=1).all()
        assert not names[:5].any()


def test_unreadable_images_are_left_out_and_counted(adaptation, squares, settings, tmp_path):
    for path in squares.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "train-red-0.png").write_bytes(b"no picture")
    dataset = open_dataset(str(tmp_path / "squares.toml"), settings)
    source = TrainingPairs(dataset, TrainedOn(dataset="squares"))
    stream = adaptation(Training(steps=1, batch_size=24), [source]).stream
    (batch,) = stream.batches(0, 1)
    assert (len(batch.images), len(batch.belongs)) == (23, 23)
    assert list(stream.unreadable) == ["squares: train-red-0.png"]
    strict = adaptation(Training(steps=1, batch_size=24), [source], max_unreadable=0.0).stream
    with pytest.raises(DataError, match=r"1 of 24 training images .* such as squares: train-red-0.png"):
        list(strict.batches(0, 1))


def test_colours_survive(adaptation):
    stream = adaptation(Training(steps=1, batch_size=24, min_crop=1.0)).stream
    (batch,) = stream.batches(0, 1)
    pixels = stream.inputs(batch.images)
    assert pixels.shape == (24, 3, 32, 32)
    brightest = pixels.mean(dim=(2, 3)).argmax(dim=1)
    for row, channel in zip(batch.belongs, brightest, strict=True):
        (text,) = {batch.texts[i].split()[-1 if "square" in batch.texts[i] else 1] for i in np.flatnonzero(row)}
        assert ("red", "green", "blue")[int(channel)] == text
