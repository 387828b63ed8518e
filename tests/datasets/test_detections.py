"""Boxes as detectors write them: one set of boxes in every form, and what is none is named."""

import json

import pytest

from workbench.datasets.detections import Detection, read_detections
from workbench.errors import DataError

BOXES = [(10, 20, 40, 60), (0, 0, 5, 8)]
COCO = [
    {"image_id": 139, "category_id": 3, "bbox": [10.2, 20.0, 29.9, 40.1], "score": 0.9},
    {"image_id": 139, "category_id": 1, "bbox": [0, 0, 5, 8], "score": 0.4, "segmentation": {"counts": "x"}},
]
FORMS = {
    "results": COCO,
    "annotations": {"images": [{"id": 139, "file_name": "in/000000000139.jpg"}], "annotations": COCO},
    "mapping": {"in/000000000139.jpg": [list(box) for box in BOXES]},
    "list": [{"file": "000000000139.jpg", "boxes": [{"box": list(BOXES[0])}, {"bbox": [0, 0, 5, 8]}]}],
    "one a box": [{"file": "000000000139", "box": list(box)} for box in BOXES],
}


def written(tmp_path, content):
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_same_boxes(tmp_path, form):
    found = read_detections(written(tmp_path, FORMS[form]))
    assert [detection.box for detection in found.of("in/000000000139.jpg")] == BOXES
    assert found.of("in/000000000140.jpg") == ()
    found.check(["in/000000000139.jpg", "b.jpg"])
    with pytest.raises(DataError, match="boxes for none of the 1 images"):
        found.check(["b.jpg"])


def test_scores_and_labels_are_kept_and_low_ones_left_out(tmp_path):
    path = written(tmp_path, COCO)
    assert read_detections(path).of("139.png")[0] == Detection(BOXES[0], 0.9, "3")
    kept = read_detections(path, least_score=0.5)
    assert [detection.score for detection in kept.of("139.png")] == [0.9]
    # An image whose boxes are all left out has none, which is not to be known of no image.
    assert len(read_detections(written(tmp_path, {"a.jpg": []}))) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "has no box of any image"),
        ("boxes", "expected COCO's results"),
        ([{"image_id": 1, "box": [0, 0, 1, 1]}], "entry 0 lacks 'image_id' or 'bbox'"),
        ([{"image_id": 1, "bbox": [0, 0, 0, 1]}], r"entry 0: the box \[0, 0, 0, 1\] .*width, height.* has no area"),
        ([{"image_id": 1, "bbox": [0, 0, 1, 1], "score": "high"}], "score 'high' is no number"),
        ([{"box": [0, 0, 1, 1]}], "entry 0 has neither 'file' nor 'image_id'"),
        ({"a.jpg": [[0, 0, 1]]}, r"a\.jpg, box 0: expected a box of four numbers"),
        ({"a.jpg": [[0, 0, True, 1]]}, "four numbers"),
        ({"a.jpg": 3}, r"a\.jpg: expected a list of boxes"),
        ({"images": [{"id": 1}], "annotations": []}, "must have 'id' and 'file_name'"),
    ],
)
def test_what_is_no_box_is_named(tmp_path, content, words):
    with pytest.raises(DataError, match=words):
        read_detections(written(tmp_path, content))
