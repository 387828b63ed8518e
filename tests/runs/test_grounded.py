"""A finished run is asked which box a text means: it says what it said of its own test items, whatever it is given."""

import json

import numpy as np
import pytest
from PIL import Image

import workbench
from tests.runs.halves import write_halves
from workbench.errors import DataError, WorkbenchError
from workbench.metrics import softmax
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.apply import label_predictions, predict_anything
from workbench.runs.usable import UsableRun
from workbench.settings import Settings

HALVES = {"left": [0, 0, 16, 32], "right": [16, 0, 32, 32]}
RECIPES = (
    RecipeEntry(recipe="zero-shot"),
    RecipeEntry(recipe="linear-head", config={"epochs": 2}),
    RecipeEntry(recipe="relation-head", config={"epochs": 2, "scales": [10.0], "words": 1}),
)


def an_instruction(left, right, rng):
    boxes = [HALVES[side] for side in rng.permutation(list(HALVES))]
    side = str(rng.choice(list(HALVES)))
    return {"boxes": boxes, "said": [{"text": f"take the {side} one", "answer": boxes.index(HALVES[side])}]}


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_model):
    folder = tmp_path_factory.mktemp("grounded")
    card = write_halves(
        folder, "grounding", {"boxes": "boxes", "instruction": "said"}, an_instruction, 'regions = { context = "blur" }'
    )
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(card),), recipes=RECIPES, figures=False)
    runs = {run.recipe: UsableRun.open(run.run_id, settings) for run in run_suite(suite, settings)}
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]
    return folder, runs, {row["file_name"]: row for row in rows}


@pytest.fixture(scope="module")
def run(made):
    return made[1]["relation-head"]


@pytest.mark.parametrize("recipe", [entry.recipe for entry in RECIPES])
def test_it_says_what_it_said_of_its_test_items(made, recipe):
    folder, runs, rows = made
    run = runs[recipe]
    predictions = run.predictions
    images = [folder / name for name in predictions.images]
    boxes = [rows[name]["boxes"] for name in predictions.images]
    together = run.ground(images, boxes, predictions.texts)
    for i, answer in enumerate(together):
        (alone,) = run.ground(np.array(Image.open(images[i])), np.array(boxes[i]), predictions.texts[i])
        expected = softmax(predictions.scores[i][None])[0]
        for given in (answer, alone):
            assert given["text"] == predictions.texts[i]
            np.testing.assert_allclose(given["probabilities"], expected, atol=2e-5)
            assert given["box"] == int(np.argmax(given["probabilities"]))
            assert list(given["place"]) == boxes[i][given["box"]]
            left, top, right, bottom = given["place"]
            assert given["point"] == ((left + right) // 2, (top + bottom) // 2)
            assert given["probability"] == max(given["probabilities"])
    assert {answer["box"] for answer in together} == {0, 1}


def test_several_texts_are_about_one_image_and_nothing_is_written(made, run):
    folder, _, rows = made
    before = {path: path.stat().st_mtime_ns for path in run.settings.cache.rglob("*") if path.is_file()}
    name = run.predictions.images[0]
    boxes = rows[name]["boxes"]
    said = ["take the left one", "take the right one", "something new"]
    answers = run.ground(Image.open(folder / name), boxes, said)
    assert [answer["text"] for answer in answers] == said
    for text, answer in zip(said, answers, strict=True):
        (alone,) = run.ground(folder / name, boxes, text)
        assert alone["text"] == text
        assert alone["probabilities"] == pytest.approx(answer["probabilities"], abs=1e-5)
    assert before == {path: path.stat().st_mtime_ns for path in run.settings.cache.rglob("*") if path.is_file()}


def test_boxes_of_detectors_are_boxes(made, run):
    folder, _, _ = made
    image = folder / run.predictions.images[0]
    corners = [[0, 0, 16, 32], [16, 0, 32, 32]]
    coco = [{"bbox": [left, top, right - left, bottom - top], "score": 0.9} for left, top, right, bottom in corners]
    plain = [{"box": box, "label": "thing"} for box in corners]
    expected = run.ground(image, corners, "take the left one")
    assert run.ground(image, coco, "take the left one") == expected
    assert run.ground(image, plain, "take the left one") == expected
    assert run.ground([image, image], [coco, plain], "take the left one") == expected * 2
    # What reaches beyond the picture is cut off at its edges.
    beyond = [[-5, -1, 16, 40], [16, 0, 99, 32]]
    assert run.ground(image, beyond, "take the left one") == expected


@pytest.mark.parametrize(
    ("boxes", "texts", "words"),
    [
        (
            [[0, 0, 16, 32], [40, 0, 50, 32]],
            "x",
            r"boxes, number 1: \[40, 0, 50, 32\].*outside of its image of 32 x 32",
        ),
        ([[0, 0, 16]], "x", "boxes, number 0: expected a box of four numbers"),
        ([[16, 0, 16, 32]], "x", "has no area"),
        ([[0, 0, float("nan"), 32]], "x", "four numbers"),
        ([], "x", "there is none to choose from"),
        ([[[0, 0, 16, 32]], [[0, 0, 16, 32]]], "x", "boxes: 2 lists of boxes for 1 image"),
        ([[0, 0, 16, 32]], " ", "expected a sentence"),
        ([[0, 0, 16, 32]], [], "expected a sentence"),
    ],
)
def test_what_is_no_box_or_text_is_named(made, run, boxes, texts, words):
    with pytest.raises(DataError, match=words):
        run.ground(np.zeros((32, 32, 3), np.uint8), boxes, texts)


def test_texts_must_fit_the_images(made, run):
    images = np.zeros((3, 32, 32, 3), np.uint8)
    with pytest.raises(DataError, match="2 texts for 3 images"):
        run.ground(images, [[HALVES["left"]]] * 3, ["a", "b"])
    with pytest.raises(WorkbenchError, match="for grounding, which compares no whole images with texts"):
        run.predict(images, "a")
    with pytest.raises(WorkbenchError, match="says nothing of an image by itself without a text"):
        run.predict(images)


def test_a_folder_with_boxes_of_a_detector(made, run, tmp_path):
    folder, _, rows = made
    frames = tmp_path / "frames"
    frames.mkdir()
    names = run.predictions.images[:3]
    for name in names:
        (frames / name).write_bytes((folder / name).read_bytes())
    (frames / "broken.png").write_bytes(b"no picture")
    detections = tmp_path / "detections.json"
    listed = [
        {"image_id": name.removesuffix(".png"), "bbox": [a, b, c - a, d - b], "score": 0.8, "category_id": 1}
        for name in (*names[:2], "broken.png")
        for a, b, c, d in rows.get(name, rows[names[0]])["boxes"]
    ]
    listed.append({"image_id": names[0].removesuffix(".png"), "bbox": [0, 0, 5, 5], "score": 0.1, "category_id": 1})
    detections.write_text(json.dumps(listed), encoding="utf-8")
    places = {"cache": run.settings.cache, "runs": run.settings.runs, "device": "cpu", "precision": "fp32"}
    said = ["take the left one", "take the right one"]
    frame = workbench.predict(run.result.run_id, frames, said, detections, least_score=0.5, **places)
    assert len(frame) == 2 * 2 + 2
    good = frame[frame["error"].isna()]
    for name in names[:2]:
        expected = run.ground(folder / name, rows[name]["boxes"], said)
        found = good[good["file"] == name]
        assert found["box"].tolist() == [answer["box"] for answer in expected]
        # Features of a text differ by rounding with those that it is computed with.
        assert found["probability"].tolist() == pytest.approx([answer["probability"] for answer in expected], abs=1e-5)
    errors = dict(zip(frame["file"], frame["error"], strict=True))
    assert "not an image" in errors["broken.png"]
    assert "no box of this image" in errors[names[2]]


def test_without_boxes_a_folder_is_searched_and_its_table_has_numbers(made, run, tmp_path):
    folder, _, _ = made
    name = run.predictions.images[0]
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / name).write_bytes((folder / name).read_bytes())
    (row,) = label_predictions(predict_anything(run, tmp_path / "one", ["take the left one"]), rules=None)
    assert set(row) == {"file", "text", "x", "y", "left", "top", "right", "bottom"}
    heat = run.heat_map(folder / name, "take the left one")
    assert heat.shape == (32, 32)
    assert heat[row["y"], row["x"]] == pytest.approx(heat.max(), abs=1e-4)
    with pytest.raises(DataError, match="one image"):
        run.heat_map([folder / name] * 2, "x")
