"""A card whose candidates are a detector's boxes: which are right, what is left out and said, what depends on it."""

import json

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from tests.runs.halves import write_halves
from workbench.datasets import open_dataset
from workbench.errors import DataError
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.finished import FinishedRun
from workbench.tasks.grounding.items import grounding_items, intersection_over_union

REGIONS = '[regions]\ndetections = "found.json"\nleast_score = 0.5\n'
HALVES = [[0, 0, 16, 32], [16, 0, 32, 32]]


def an_instruction(left, right, rng):
    answer = int(rng.integers(2))
    return {"boxes": HALVES, "said": [{"text": f"take the {('left', 'right')[answer]} one", "answer": answer}]}


def write(folder, detections):
    """Every image has two boxes near the halves, one that is too small to be right, and one that scores too low."""
    card = write_halves(folder, "grounding", {"boxes": "boxes", "instruction": "said"}, an_instruction)
    card.write_text(card.read_text("utf-8") + REGIONS, encoding="utf-8")
    (folder / "found.json").write_text(json.dumps(detections), encoding="utf-8")
    return card


def detected(number, *boxes, split="test"):
    return [
        {"image_id": f"{split}-{number}", "category_id": 1, "bbox": [a, b, c - a, d - b], "score": score}
        for (a, b, c, d), score in boxes
    ]


def everywhere():
    both = [([1, 1, 15, 31], 0.9), ([17, 0, 33, 30], 0.8), ([2, 2, 8, 8], 0.7), ([0, 0, 32, 32], 0.1)]
    of = {"train": 24, "val": 8, "test": 24}
    return [entry for split, count in of.items() for i in range(count) for entry in detected(i, *both, split=split)]


def test_overlap_is_that_of_torchvision():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 20, (40, 2, 2))
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1) + 1], axis=1)
    expected = box_iou(torch.from_numpy(boxes).float(), torch.from_numpy(boxes).float()).numpy()
    found = [[intersection_over_union(tuple(a), tuple(b)) for b in boxes.tolist()] for a in boxes.tolist()]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_detections_are_the_candidates_and_overlap_says_which_are_right(tmp_path, settings):
    dataset = open_dataset(str(write(tmp_path, everywhere())), settings)
    rows = dataset.rows("test")
    items = grounding_items(dataset, rows)
    assert len(items) == 24
    for item, extra in zip(items, dataset.extra(rows), strict=True):
        assert item.boxes == ((1, 1, 15, 31), (17, 0, 33, 30), (2, 2, 8, 8))
        assert item.answers == (extra["said"][0]["answer"],)


def test_what_no_detection_overlaps_is_left_out_and_counted(tmp_path, settings, tiny_model):
    detections = [entry for entry in everywhere() if entry["image_id"] != "test-3"]
    # Nothing overlaps what is meant there, whichever half it is; and one image has no detection.
    detections += detected(3, ([2, 2, 8, 8], 0.9), ([20, 2, 26, 8], 0.9))
    detections = [entry for entry in detections if entry["image_id"] != "test-5"]
    card = write(tmp_path, detections)
    entry = RecipeEntry(recipe="zero-shot")
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(card),), recipes=(entry,), figures=False)
    (run,) = run_suite(suite, settings)
    assert run.status == "finished", run.tags.get("workbench.error")
    assert "2 of 24 test instructions mean a box that no detection overlaps" in run.tags["notes"]
    assert "at most 0.917" in run.tags["notes"]
    predictions = FinishedRun.open(run.run_id, settings).predictions
    assert len(predictions.ids) == 22
    assert {len(scores) for scores in predictions.scores} == {3}


def test_other_detections_are_another_dataset(tmp_path, settings):
    card = write(tmp_path, everywhere())
    before = open_dataset(str(card), settings).fingerprint
    write(tmp_path, everywhere()[1:])
    assert open_dataset(str(card), settings).fingerprint != before
    write(tmp_path, everywhere())
    assert open_dataset(str(card), settings).fingerprint == before
    (tmp_path / "found.json").write_text(json.dumps({"elsewhere.jpg": [[0, 0, 1, 1]]}), encoding="utf-8")
    with pytest.raises(DataError, match=r"found\.json: has boxes for none of the 56 images"):
        open_dataset(str(card), settings)
