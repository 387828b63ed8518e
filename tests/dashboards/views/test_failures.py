import numpy as np
import pytest

from dashboards.views.failures import failures
from workbench.runs.predictions import RankedQueries, ScoredChoices, WrittenCaptions


def choices(form, scores, right):
    n = len(scores)
    return ScoredChoices(
        "matching", form, [f"i{k}" for k in range(n)], [f"p{k}.png" for k in range(n)], [f"text {k}" for k in range(n)],
        [None] * n, ["colour"] * n, [np.array(own, np.float32) for own in scores], [np.array(own) for own in right],
    )  # fmt: skip


def test_choices_that_went_wrong_by_how_much():
    run = choices("choice", [[2, 1], [1, 2], [0, 5, 1]], [[True, False], [True, False], [False, False, True]])
    found = failures(run)
    assert [each.image for each in found] == ["p2.png", "p1.png"]
    assert "a wrong one of 3 candidates scores +4.00" in found[0].what
    assert {each.kind for each in found} == {"colour"}


def test_statements_on_the_wrong_side_of_zero():
    run = choices("statement", [[1.0], [-3.0], [2.0]], [[True], [True], [False]])
    assert [each.what for each in failures(run)] == ["true, scored -3.00", "false, scored +2.00"]


def test_pairs_without_a_group_score():
    run = choices("pairs", [[2, 0, 0, 2], [0, 1, 1, 0]], [[True, False, False, True]] * 2)
    assert [each.image for each in failures(run)] == ["p1.png"]


@pytest.mark.parametrize("form", ["choice", "statement"])
def test_there_are_as_many_as_the_accuracy_says(form):
    rng = np.random.default_rng(0)
    width = 1 if form == "statement" else 4
    right = [np.arange(width) == 0 if width > 1 else np.array([rng.random() < 0.5]) for _ in range(50)]
    run = choices(form, rng.normal(size=(50, width)), right)
    assert len(failures(run)) == round(50 * (1 - run.metrics()["accuracy"].value))


def test_queries_whose_right_item_stands_late():
    run = RankedQueries(
        ["image_to_text", "text_to_image", "text_to_image"], ["a.png", "a leaf", "a cup"], [None] * 3,
        [[1, 4], [7], [3]], {"image_to_text": 9, "text_to_image": 8},
    )  # fmt: skip
    found = failures(run)
    assert [(each.image, each.text) for each in found] == [(None, "a leaf"), (None, "a cup")]
    assert found[0].what == "the first right item stands at 7 of 8"


def test_captions_least_like_their_references_first():
    run = WrittenCaptions(
        ["a.png", "b.png"], [None, None], ["a red cup on a table", "a green leaf"],
        [["a red cup on a table"], ["two dogs run"]], np.ones(2), np.ones(2),
    )  # fmt: skip
    assert [each.image for each in failures(run)] == ["b.png", "a.png"]
