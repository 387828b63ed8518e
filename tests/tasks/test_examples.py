"""What a run gets wrong and right, of every task."""

import dataclasses

import numpy as np
import pytest

from workbench.errors import WorkbenchError
from workbench.metrics import metric_named
from workbench.tasks import CaptionPredictions, ClassPredictions, MatchingPredictions, RetrievalPredictions


def choices(form, scores, right):
    n = len(scores)
    return MatchingPredictions(
        [f"i{k}" for k in range(n)], [f"p{k}.png" for k in range(n)], [f"text {k}" for k in range(n)],
        [None] * n, ["colour"] * n, [np.array(own, np.float32) for own in scores], [np.array(own) for own in right],
        form,
    )  # fmt: skip


def wrong(run):
    return [each for each in run.examples() if each.is_right is False]


def test_choices_that_went_wrong_by_how_much():
    run = choices("choice", [[2, 1], [1, 2], [0, 5, 1]], [[True, False], [True, False], [False, False, True]])
    assert [each.image for each in run.examples()] == ["p2.png", "p1.png", "p0.png"]
    found = wrong(run)
    assert [each.image for each in found] == ["p2.png", "p1.png"]
    assert [each.chance for each in found] == [pytest.approx(1 / 3), 0.5]
    assert "the right one of 2 candidates scores +1.00 above" in run.examples()[-1].what
    assert "a wrong one of 3 candidates scores +4.00" in found[0].what
    assert {each.parts["category"] for each in found} == {"colour"}


def test_statements_on_the_wrong_side_of_zero():
    run = choices("statement", [[1.0], [-3.0], [2.0]], [[True], [True], [False]])
    assert [each.what for each in wrong(run)] == ["true, scored -3.00", "false, scored +2.00"]


def test_pairs_without_a_group_score():
    run = choices("pairs", [[2, 0, 0, 2], [0, 1, 1, 0]], [[True, False, False, True]] * 2)
    assert [each.image for each in wrong(run)] == ["p1.png"]


@pytest.mark.parametrize("form", ["choice", "statement"])
def test_there_are_as_many_as_the_accuracy_says(form):
    rng = np.random.default_rng(0)
    width = 1 if form == "statement" else 4
    right = [np.arange(width) == 0 if width > 1 else np.array([rng.random() < 0.5]) for _ in range(50)]
    run = choices(form, rng.normal(size=(50, width)), right)
    assert len(wrong(run)) == round(50 * (1 - run.estimates([metric_named("accuracy")])["accuracy"].value))


def test_queries_whose_right_item_stands_late():
    run = RetrievalPredictions(
        ["image_to_text", "text_to_image", "text_to_image"], ["a.png", "a leaf", "a cup"], [None] * 3,
        [[1, 4], [7], [3]], {"image_to_text": 9, "text_to_image": 8},
    )  # fmt: skip
    found = wrong(run)
    assert [(each.image, each.title) for each in found] == [(None, "a leaf"), (None, "a cup")]
    assert found[0].what == "the first right item stands at 7 of 8"


def test_captions_least_like_their_references_first():
    run = CaptionPredictions(
        ["a.png", "b.png"], [None, None], ["a red cup on a table", "a green leaf"],
        [["a red cup on a table"], ["two dogs run"]], np.ones(2), np.ones(2),
    )  # fmt: skip
    assert [(each.image, each.is_right) for each in run.examples()] == [("b.png", None), ("a.png", None)]
    caption, reference = run.answers(1)
    assert (caption.text, caption.is_chosen, reference.text, reference.is_right) == (
        "a green leaf", True, "two dogs run", True,
    )  # fmt: skip


def classes(signal=2.0):
    rng = np.random.default_rng(3)
    labels = np.arange(60) % 3
    scores = (signal * np.eye(3)[labels] + rng.normal(size=(60, 3))).astype(np.float32)
    groups = [f"g{i // 2}" for i in range(60)]
    return ClassPredictions([f"i{i}" for i in range(60)], groups, labels, scores, ("a", "b", "c"))


def test_mistakes_the_most_confident_first():
    run = classes()
    guess = run.scores.argmax(axis=1)
    found, answers = wrong(run), {each.place: run.answers(each.place) for each in run.examples()}
    assert {each.image for each in found} == {run.ids[i] for i in np.flatnonzero(guess != run.labels)} != set()
    assert {each.place for each in run.examples()} == set(range(60))
    for rest in (found, [each for each in reversed(run.examples()) if each.is_right]):
        confidences = [answers[each.place][0].share for each in rest]
        assert confidences == sorted(confidences, reverse=True)
    for each in found:
        first, *_ = shown = answers[each.place]
        assert each.parts["predicted class"] == first.text != each.parts["true class"] == each.title
        assert [answer.text for answer in shown if answer.is_right] == [each.title]
        assert [answer.text for answer in shown if answer.is_chosen] == [first.text]
        assert each.parts["group"].startswith("g")
        assert sum(answer.share for answer in shown) == pytest.approx(1)


def test_the_true_class_is_an_answer_however_late():
    scores = np.arange(10, dtype=np.float32)[None]
    run = ClassPredictions(["i"], [None], np.array([2]), scores, tuple("abcdefghij"))
    assert [answer.text for answer in run.answers(0)] == ["j", "i", "h", "g", "f", "c"]


def test_several_labels_an_image_the_worst_first():
    labels = np.array([[1, 0], [0, 1], [1, np.nan]], np.float32)
    scores = np.array([[2.0, -1.0], [0.5, -3.0], [1.0, 9.0]], np.float32)
    run = ClassPredictions(["i", "j", "k"], [None] * 3, labels, scores, ("rust", "mould"))
    assert [(each.item, each.is_right, each.what) for each in run.examples()] == [
        ("j", False, "missed: mould"), ("i", True, "right"), ("k", True, "right"),
    ]  # fmt: skip
    assert [(a.text, a.is_right, a.is_chosen) for a in run.answers(1)] == [
        ("rust", False, True), ("mould", True, False),
    ]  # fmt: skip


def test_without_labels_there_are_no_examples():
    with pytest.raises(WorkbenchError, match="with labels"):
        dataclasses.replace(classes(), labels=None).examples()


def test_suspects_are_mistakes_of_single_labels():
    run = classes()
    suspects = run.suspects()
    assert suspects
    assert set(suspects) <= {each.place for each in wrong(run)}
    assert dataclasses.replace(run, labels=np.eye(3, dtype=bool)[run.labels]).suspects() == []
    assert choices("choice", [[1, 2]], [[True, False]]).suspects() == []
