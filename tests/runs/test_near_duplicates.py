"""A run says that its test images were seen in training, before its numbers and beside them for ever."""

import json

import numpy as np
import pytest
from PIL import Image

from workbench.datasets import open_dataset
from workbench.features import FeatureStore
from workbench.models import open_model
from workbench.reports import render
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.search.gallery import open_gallery


class Said:
    """Keeps what a reporter is told, in order."""

    def __init__(self):
        self.sentences, self.progressed = [], []

    def say(self, sentence):
        self.sentences.append(sentence)

    def progress(self, what, done, total):
        self.progressed.append(what)


@pytest.fixture
def video(tmp_path):
    """`video/`: 12 scenes of 5 frames, which stand in train, val and test; a column of its table knows the scene."""
    root, rows = tmp_path / "video", []
    for scene in range(12):
        coarse = np.random.default_rng(scene).integers(30, 226, (5, 7, 3))
        for frame in range(5):
            name = f"{scene}-{frame}.png"
            image = Image.fromarray(np.clip(coarse - 4 * frame, 0, 255).astype(np.uint8))
            root.mkdir(exist_ok=True)
            image.resize((48, 48), Image.Resampling.BICUBIC).save(root / name)
            split = ("train", "train", "train", "val", "test")[frame]
            rows.append(f"{name},{'ab'[scene % 2]},{split},s{scene},{frame}")
    (root / "metadata.csv").write_text("\n".join(["file_name,label,split,origin,frame", *rows]), encoding="utf-8")
    return root


def made(folder, model, settings, recipes, said=None, shots="all"):
    entries = tuple(RecipeEntry(recipe=recipe) for recipe in recipes)
    suite = Suite(name="s", models=(model,), datasets=(str(folder),), recipes=entries, shots=(shots,))
    return {run.recipe: run for run in run_suite(suite, settings, reporter=said or Said())}


def test_it_is_said_before_the_numbers_and_stands_under_every_table(video, tiny_model, settings):
    said = Said()
    run = made(video, tiny_model, settings, ["nearest-class-mean"], said)["nearest-class-mean"]
    first, second = run.duplicate_notes
    assert first.startswith(
        "Duplicates across splits: 12 of 12 test images and 12 of 12 validation images equal or look like images of an "
        "earlier split, such as 0-4.png (test) and 0-"
    )
    assert "Column 'origin' may say which images belong together: 12 of its 12 values" in second
    assert "100% of near duplicates" in second
    told = [i for i, sentence in enumerate(said.sentences) if first in sentence]
    finished = next(i for i, text in enumerate(said.sentences) if text.startswith("finished") and "nearest" in text)
    assert len(told) == 1
    assert told[0] < finished
    assert "Duplicates across splits: 12 of 12 test images" in render([run.to_dict()], "markdown")
    config = json.loads(FinishedRun.open(run.run_id, settings).artifact("config.json").read_text(encoding="utf-8"))
    assert first in config["notes"]


def test_a_run_that_reads_test_images_alone_is_told_what_others_have_found(video, tiny_model, settings):
    alone = made(video, tiny_model, settings, ["zero-shot"])["zero-shot"]
    assert alone.duplicate_notes == ()
    made(video, tiny_model, settings, ["nearest-class-mean"])
    later = made(video, tiny_model, settings, ["zero-shot", "knn"])["knn"]
    assert any("12 of 12 test" in note for note in later.duplicate_notes)


def test_few_shots_tell_of_the_images_that_were_read(video, tiny_model, settings):
    run = made(video, tiny_model, settings, ["nearest-class-mean"], shots=1)["nearest-class-mean"]
    (note,) = (note for note in run.duplicate_notes if note.startswith("Duplicates"))
    # A scene of each class was learned from, and one more of each chose settings.
    assert int(note.split(": ")[1].split(" of 12 test")[0]) <= 4


def test_images_are_decoded_once_for_features_and_thumbnails(video, tiny_model, settings, monkeypatch):
    decoded = []
    real = Image.open
    monkeypatch.setattr(Image, "open", lambda *a, **k: decoded.append(1) or real(*a, **k))
    made(video, tiny_model, settings, ["zero-shot"])
    before = len(decoded)
    said = Said()
    made(video, tiny_model, settings, ["zero-shot", "nearest-class-mean"], said)
    assert not any("thumbnails" in what for what in said.progressed)
    decoded.clear()
    made(video, tiny_model, settings, ["knn"])
    assert before > 0
    assert decoded == []


def test_search_leaves_thumbnails_and_features_without_them_get_some(video, tiny_model, settings):
    encoder, store = open_model(tiny_model, settings), FeatureStore(settings.cache)
    open_gallery(open_dataset(str(video), settings), encoder, store)
    said = Said()
    run = made(video, tiny_model, settings, ["nearest-class-mean"], said)["nearest-class-mean"]
    assert any(note.startswith("Duplicates") for note in run.duplicate_notes)
    assert not any("thumbnails" in what for what in said.progressed)
    # As a cache of an earlier version is.
    for path in store.thumbnails().folder.iterdir():
        path.unlink()
    said = Said()
    run = made(video, tiny_model, settings, ["knn"], said)["knn"]
    assert any(note.startswith("Duplicates") for note in run.duplicate_notes)
    assert "thumbnails of video" in said.progressed


def test_two_models_on_a_dataset_say_it_once(video, tiny_model, settings):
    said = Said()
    made(video, tiny_model, settings, ["nearest-class-mean", "knn"], said)
    assert sum("Duplicates across splits" in sentence for sentence in said.sentences) == 1


def test_nothing_is_said_of_pictures_that_differ(make_colours, tiny_model, settings):
    run = made(make_colours(), tiny_model, settings, ["nearest-class-mean"])["nearest-class-mean"]
    assert run.duplicate_notes == ()


def test_equal_files_in_train_and_test_are_said(make_colours, tiny_model, settings):
    folder = make_colours()
    (folder / "test" / "red" / "again.png").write_bytes((folder / "train" / "red" / "0.png").read_bytes())
    run = made(folder, tiny_model, settings, ["nearest-class-mean"])["nearest-class-mean"]
    (note,) = (note for note in run.duplicate_notes if note.startswith("Duplicates"))
    assert "1 of 25 test images equal or look like" in note
    assert "such as test/red/again.png (test) and train/red/0.png (train)" in note
