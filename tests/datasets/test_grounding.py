"""Items of grounding from tables: sentences, answers and boxes."""

import pytest

from workbench.errors import DataError
from workbench.tasks.grounding.items import GroundingItem, boxes_beyond, grounding_items

COLUMNS = {"boxes": "boxes", "instruction": "said", "answer": "answer", "split": "split"}


def test_boxes_with_an_instruction(rows_opened):
    rows = [
        {"boxes": [[0, 0, 4, 4], [4, 4, 9, 9]], "said": "left", "answer": 0},
        {
            "boxes": [{"box": [0, 0, 4, 4]}, {"box": [4, 4, 9, 9]}],
            "said": [{"text": "any", "fits": [0, 1]}, {"text": "b", "answer": 1, "kind": "k"}],
        },
    ]
    dataset = rows_opened("grounding", COLUMNS, rows)
    boxes = ((0, 0, 4, 4), (4, 4, 9, 9))
    # What every box answers to asks nothing.
    assert sorted(grounding_items(dataset, dataset.rows("test")), key=repr) == [
        GroundingItem(0, boxes, "left", (0,)),
        GroundingItem(1, boxes, "b", (1,), "k"),
    ]


def test_boxes_with_width_and_height(rows_opened):
    rows = [{"boxes": [[1, 2, 3, 4], [5, 5, 1, 1]], "said": "x", "answer": 1}]
    dataset = rows_opened("grounding", COLUMNS, rows, 'regions = { format = "xywh" }')
    assert grounding_items(dataset, dataset.rows("test"))[0].boxes == ((1, 2, 4, 6), (5, 5, 6, 6))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"boxes": [[0, 0, 4]], "said": "x", "answer": 0}, "boxes of four numbers"),
        ({"boxes": [[4, 0, 4, 4]], "said": "x", "answer": 0}, "boxes with an area"),
        ({"boxes": [], "said": "x", "answer": 0}, "a list of boxes"),
        ({"said": "x", "answer": 0}, "no column 'boxes'"),
    ],
)
def test_bad_grounding_rows_are_named(rows_opened, row, message):
    dataset = rows_opened("grounding", COLUMNS, [row])
    with pytest.raises(DataError, match=rf"0\.jpg.*{message}"):
        grounding_items(dataset, dataset.rows("test"))


@pytest.mark.parametrize(("answer", "shown"), [(9, "9"), (-1, "-1"), ("can", "'can'"), (None, "None"), ([], r"\[\]")])
def test_a_wrong_answer_names_its_own_column(rows_opened, answer, shown):
    row = {"boxes": [[0, 0, 4, 4], [4, 4, 9, 9]], "said": "x", "answer": answer}
    dataset = rows_opened("grounding", COLUMNS, [row])
    with pytest.raises(DataError, match=rf"0\.jpg: column 'answer' must .*among the 2 boxes.*, but has {shown}\."):
        grounding_items(dataset, [0])


def test_an_answer_that_stands_with_its_sentence_names_that_column(rows_opened):
    row = {"boxes": [[0, 0, 4, 4], [4, 4, 9, 9]], "said": [{"text": "the cup", "fits": [0, 2]}]}
    dataset = rows_opened("grounding", {key: COLUMNS[key] for key in ("boxes", "instruction", "split")}, [row])
    with pytest.raises(DataError, match=r"column 'said' must hold an answer for 'the cup' .*, but has \[0, 2\]"):
        grounding_items(dataset, [0])


@pytest.mark.parametrize("said", ["", "  ", None])
def test_a_row_without_a_sentence_names_the_instruction(rows_opened, said):
    row = {"boxes": [[0, 0, 4, 4], [4, 4, 9, 9]], "said": said, "answer": 0}
    dataset = rows_opened("grounding", COLUMNS, [row])
    with pytest.raises(DataError, match=r"0\.jpg: column 'said' must hold a sentence, but has"):
        grounding_items(dataset, [0])


@pytest.mark.parametrize("value", ["NaN", "Infinity", "null", '"left"', "true"])
def test_a_box_that_is_no_four_numbers_is_shown(rows_opened, value):
    row = {"boxes": f"[[0, 0, 4, 4], [0, {value}, 4, 4]]", "said": "x", "answer": 0}
    dataset = rows_opened("grounding", COLUMNS, [row])
    with pytest.raises(
        DataError, match=r"0\.jpg: column 'boxes' must hold boxes of four numbers, but has \[0, .*, 4, 4"
    ):
        grounding_items(dataset, [0])


def test_boxes_that_reach_past_their_image_are_counted(rows_opened):
    # Pictures are 24 pixels wide and high; right and bottom are exclusive.
    rows = [{"boxes": [[0, 0, 24, 24], [20, 20, 25, 24], [-1, 0, 4, 4]], "said": "x", "answer": 0}]
    dataset = rows_opened("grounding", COLUMNS, rows)
    boxes, beyond = boxes_beyond(dataset, 0)
    assert boxes == 3
    assert beyond == ["0.jpg: [20, 20, 25, 24] in 24 x 24 pixels", "0.jpg: [-1, 0, 4, 4] in 24 x 24 pixels"]


def test_a_box_outside_its_image_is_refused(rows_opened):
    dataset = rows_opened("grounding", COLUMNS, [{"boxes": [[0, 0, 4, 4], [24, 0, 30, 9]], "said": "x", "answer": 0}])
    message = r"0\.jpg: column 'boxes' must .*regions\.format = 'xyxy'.* 24 x 24 pixels, but has \[24, 0, 30, 9\]"
    with pytest.raises(DataError, match=message):
        boxes_beyond(dataset, 0)
