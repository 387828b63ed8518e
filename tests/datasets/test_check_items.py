"""The check reads items to the end, and lists what a run would refuse."""

from workbench.datasets import check_dataset

GROUNDING = {"boxes": "boxes", "instruction": "said", "answer": "answer", "split": "split"}


def grounded(answer=0, said="x", last=(4, 4, 9, 9)):
    return {"boxes": [[0, 0, 4, 4], list(last)], "said": said, "answer": answer}


def test_every_bad_row_of_grounding_is_listed(rows_opened):
    rows = [
        grounded(),
        grounded(answer=7),
        grounded(said=""),
        grounded(last=(9, 9, 9, 9)),
        grounded(last=(30, 0, 40, 9)),
    ]
    report = check_dataset(rows_opened("grounding", GROUNDING, rows))
    found = sorted(report.unfit_rows)
    assert [(text[:5], text.split("column ")[1].split()[0]) for text in found] == [
        ("1.jpg", "'answer'"), ("2.jpg", "'said'"), ("3.jpg", "'boxes'"), ("4.jpg", "'boxes'")
    ]  # fmt: skip
    assert report.problems >= 4
    assert "FOUND 4 rows that a run refuses" in str(report)


def test_boxes_beyond_their_image_are_counted(rows_opened):
    report = check_dataset(rows_opened("grounding", GROUNDING, [grounded(), grounded(last=(4, 4, 25, 9))]))
    assert (report.boxes, len(report.boxes_beyond)) == (4, 1)
    assert "FOUND 1 of 4 boxes that reach outside their image" in str(report)


def test_bad_rows_of_matching_are_listed(rows_opened):
    rows = [{"caption": "a cat", "wrong": "a dog"}, {"caption": "", "wrong": "a dog"}, {"caption": "a", "wrong": []}]
    columns = {"caption": "caption", "negatives": "wrong", "split": "split"}
    report = check_dataset(rows_opened("matching", columns, rows))
    assert [text[:5] for text in report.unfit_rows] == ["1.jpg", "2.jpg"]


def test_sound_items_have_no_fault(rows_opened):
    report = check_dataset(rows_opened("grounding", GROUNDING, [grounded()]))
    assert not report.unfit_rows
    assert "ok    no boxes that reach outside their image" in str(report)


def test_a_wrong_text_that_is_the_right_one_is_listed(rows_opened):
    rows = [{"caption": "a cat", "wrong": ["a dog", "a cat "]}, {"caption": "a fox", "wrong": "a dog"}]
    columns = {"caption": "caption", "negatives": "wrong", "split": "split"}
    report = check_dataset(rows_opened("matching", columns, rows))
    assert report.unanswerable_items == ("0.jpg: 'a cat'",)
    assert "FOUND 1 items with a wrong text that is also the right one" in str(report)
