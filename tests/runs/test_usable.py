"""A finished run answers a program: for arrays, pictures and paths as it does for a folder."""

import numpy as np
import pytest
from PIL import Image

import workbench
from tests.conftest import COLOURS
from tests.executors.suites import Told
from workbench.arrays import normalise
from workbench.errors import DataError, WorkbenchError
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.runs.apply import predict_folder
from workbench.runs.usable import UsableRun
from workbench.settings import Settings


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_model):
    """A probe on noisy patches of three colours."""
    root = tmp_path_factory.mktemp("usable")
    folder, rng = root / "colours", np.random.default_rng(0)
    for split, each in (("train", 6), ("test", 3)):
        for name, colour in COLOURS.items():
            (folder / split / name).mkdir(parents=True)
            for i in range(each):
                pixels = np.clip(np.array(colour) + rng.normal(0, 40, (44, 50, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{i}.png")
    settings = Settings(cache=root / "cache", runs=root / "runs", precision="fp32", device="cpu")
    entries = (RecipeEntry(recipe="linear-probe"),)
    suite = Suite(
        name="s", models=(tiny_model,), datasets=(str(folder),), recipes=entries, figures=False, baseline=False
    )
    (run,) = run_suite(suite, settings, reporter=Told())
    return folder, run, settings


def test_every_kind_of_image_has_the_answer_that_a_folder_has(made):
    folder, run, settings = made
    expected = predict_folder(FinishedRun.open(run.run_id, settings), folder / "test")
    places = {"cache": settings.cache, "runs": settings.runs}
    opened = workbench.load(run.run_id, **places, device="cpu", precision="fp32")
    assert isinstance(opened, UsableRun)
    paths = [folder / "test" / row.file for row in expected]
    arrays = [np.array(Image.open(path).convert("RGB")) for path in paths]
    given = {
        "paths": paths, "texts": [str(path) for path in paths], "arrays": arrays,
        "pictures": [Image.fromarray(array) for array in arrays], "mixture": [paths[0], *arrays[1:]],
        "a batch": np.stack(arrays), "a generator": (array for array in arrays),
    }  # fmt: skip
    for what, images in given.items():
        answers = opened.predict(images)
        assert [answer["classes"] for answer in answers] == [row.answer["classes"] for row in expected], what
        for answer, row in zip(answers, expected, strict=True):
            assert answer["probabilities"] == pytest.approx(row.answer["probabilities"], abs=1e-4)
    for one in (paths[0], str(paths[0]), arrays[0], Image.fromarray(arrays[0])):
        (answer,) = opened.predict(one, top=1)
        assert answer["classes"] == expected[0].answer["classes"][:1]
    assert opened._fitted is opened._fitted


def test_embeddings_are_those_of_the_model(made):
    folder, run, settings = made
    opened = UsableRun.open(run.run_id, settings)
    paths = sorted((folder / "test").rglob("*.png"))
    found = opened.embed(paths)
    pixels = np.stack([np.array(opened.encoder.preprocess(Image.open(path).convert("RGB"))) for path in paths])
    import torch

    np.testing.assert_allclose(
        found, normalise(opened.encoder.encode_images(torch.from_numpy(pixels)).projected), atol=2e-3
    )
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


def test_images_on_their_side_are_upright_and_grey_ones_are_taken(made, tmp_path):
    _, run, settings = made
    opened = UsableRun.open(run.run_id, settings)
    array = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(array)).save(tmp_path / "side.png", exif=exif)
    np.testing.assert_array_equal(opened.embed(tmp_path / "side.png"), opened.embed(array))
    np.testing.assert_array_equal(opened.embed(Image.open(tmp_path / "side.png")), opened.embed(array))
    grey = array[:, :, 0]
    np.testing.assert_array_equal(opened.embed(grey), opened.embed(Image.fromarray(grey)))


def test_search_finds_the_image_itself(made):
    folder, run, settings = made
    opened = UsableRun.open(run.run_id, settings)
    path = next((folder / "test").rglob("*.png"))
    rows = opened.search(images=path, top=3)
    assert rows[0]["id"] == path.relative_to(folder).as_posix()
    assert rows[0]["score"] == pytest.approx(1, abs=1e-3)
    assert len(opened.search("a red thing", top=3)) == 3
    with pytest.raises(WorkbenchError, match="at least one sentence or image"):
        opened.search()


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ([], "images: there is none"),
        (np.zeros((8, 8, 3)), r"number 0 is float64 of shape \(8, 8, 3\), expected uint8"),
        (np.zeros((8, 8, 4), np.uint8), r"uint8 of shape \(8, 8, 4\)"),
        (np.zeros((0, 8, 3), np.uint8), "expected uint8"),
        ([np.zeros((8, 8), np.uint8), 7], "number 1 is int64"),
        ("nowhere.png", "nowhere.png"),
    ],
)
def test_what_is_no_image_is_named(made, images, words):
    _, run, settings = made
    with pytest.raises(DataError, match=words):
        UsableRun.open(run.run_id, settings).predict(images)
