import numpy as np
import pytest

from workbench.errors import WorkbenchError
from workbench.labelling import NONE_OF_THESE, LabelRules, label_rows

NAMES = ("ash", "birch", "cedar")
CHANCES = np.array([[0.5, 0.45, 0.05], [0.2, 0.7, 0.1], [0.4, 0.35, 0.25]])
FILES = ["a/1.png", "a/2.png", "b/3.png"]


def test_rows_have_one_column_a_value():
    first, second, _ = label_rows(FILES, CHANCES, NAMES, LabelRules(top=2))
    assert first == {
        "file": "a/1.png", "answer": "ash", "near_tie": True,
        "class_1": "ash", "probability_1": 0.5, "class_2": "birch", "probability_2": 0.45,
    }  # fmt: skip
    assert (second["answer"], second["near_tie"]) == ("birch", False)


def test_below_the_threshold_it_is_none_of_these():
    rows = label_rows(FILES, CHANCES, NAMES, LabelRules(none_below=0.5))
    assert [row["answer"] for row in rows] == ["ash", "birch", NONE_OF_THESE]


def test_images_of_one_folder_have_the_joint_answer_of_a_plain_computation():
    rows = label_rows(FILES, CHANCES, NAMES, LabelRules(group_by="folder"))
    joint = np.sqrt(CHANCES[0] * CHANCES[1])
    joint /= joint.sum()
    assert [row["group"] for row in rows] == ["a", "a", "b"]
    assert [row["group_answer"] for row in rows] == ["birch", "birch", "ash"]
    assert rows[0]["group_probability"] == rows[1]["group_probability"] == pytest.approx(joint.max(), abs=1e-6)
    assert rows[2]["group_probability"] == pytest.approx(0.4)


def test_alike_images_make_no_answer_surer():
    one = label_rows(["a"], CHANCES[:1], NAMES, LabelRules(group_by="folder"))[0]
    many = label_rows(list("abc"), CHANCES[[0, 0, 0]], NAMES, LabelRules(group_by="folder"))[0]
    assert one["group_probability"] == many["group_probability"]


def test_a_pattern_names_the_group_and_what_it_does_not_find_has_none():
    rows = label_rows(["IMG_07_a.jpg", "IMG_07_b.jpg", "other.jpg"], CHANCES, NAMES, LabelRules(group_by=r"IMG_(\d+)"))
    assert [row.get("group") for row in rows] == ["07", "07", None]
    with pytest.raises(WorkbenchError, match="--group-by"):
        LabelRules(group_by="(")


def test_a_class_that_an_image_excludes_wholly_is_not_the_groups():
    sure = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    row = label_rows(["a", "b"], sure, NAMES, LabelRules(group_by="folder"))[0]
    assert row["group_probability"] == pytest.approx(0.5)  # They contradict each other: nothing is left but the mean.
    row = label_rows(["a", "b"], np.array([[0.6, 0.4, 0.0], [0.0, 0.5, 0.5]]), NAMES, LabelRules(group_by="folder"))[0]
    assert row["group_answer"] == "birch"


def test_unreadable_images_stay_in_the_table():
    rows = label_rows(FILES[1:], CHANCES[1:], NAMES, LabelRules(), {"a/1.png": "empty file"})
    assert rows[0] == {"file": "a/1.png", "error": "empty file"}
