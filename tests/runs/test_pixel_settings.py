"""A run on images of more than 8 bits: its key, its record, and the images that it is applied to."""

import shutil

import numpy as np
import pytest
from PIL import Image

from workbench import run
from workbench.runs.apply import predict_folder
from workbench.runs.finished import FinishedRun


@pytest.fixture
def card(tmp_path):
    """Scans of 12 bits of two classes that differ in how bright they are; one pixel of one is brighter than all."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2), ("test", 4)):
        for label, level in (("dense", 900), ("clear", 300)):
            for i in range(count):
                values = rng.normal(level, 40, (32, 32)).clip(0, 1000).astype(np.uint16)
                if (split, i) == ("test", 0):
                    values[0, 0] = 4000
                path = tmp_path / "scans" / split / label / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(values).save(path)
    path = tmp_path / "scans.toml"
    path.write_text('name = "scans"\n[source]\ntype = "folder"\npath = "scans"\n[columns]\nlabel = "label"\n')
    return path


def run_of(card, model, settings):
    options = settings.model_dump(include={"cache", "runs", "precision", "device"})
    frame = run(models=model, datasets=str(card), recipes="linear-probe", shots=4, **options)
    rows = frame[frame["recipe"] == "linear-probe"]
    assert rows["status"].tolist() == ["finished"]
    return FinishedRun.open(rows["run_id"].iloc[0], settings)


def test_a_run_is_applied_to_images_as_it_saw_them(card, tiny_model, settings):
    finished = run_of(card, tiny_model, settings)
    assert finished.card.pixels.range[1] == 4000
    folder = card.parent / "scans" / "test"
    found = predict_folder(finished, folder)
    assert {one.file.partition("/")[0]: one.answer["classes"][0] for one in found} == {
        "dense": "dense",
        "clear": "clear",
    }
    # One file alone is seen in the run's range and not in its own, so that its features are there already.
    lone = card.parent / "lone"
    lone.mkdir()
    shutil.copy(folder / "clear" / "1.png", lone)
    (one,) = predict_folder(finished, lone)
    assert one.answer == next(own.answer for own in found if own.file == "clear/1.png")


def test_another_window_is_another_run(card, tiny_model, settings):
    first = run_of(card, tiny_model, settings)
    card.write_text(card.read_text() + "[pixels]\nwindow = [200, 1000]\n")
    second = run_of(card, tiny_model, settings)
    assert first.result.run_id != second.result.run_id
    assert second.card.pixels.limits == (200, 1000)
