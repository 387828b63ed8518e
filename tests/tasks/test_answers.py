"""The answers to an item, with what the dataset knows of them."""

import numpy as np
import pytest

from workbench.arrays import normalise
from workbench.tasks import GroundingPredictions, MatchingPredictions, RetrievalPredictions
from workbench.tasks.retrieval.first_answers import first_answers


def scored(kind, scores, right, item="0.jpg#1", **fields):
    columns = ([item], ["0.jpg"], ["said"], [None], [""])
    return kind(*columns, [np.array(scores, np.float32)], [np.array(right)], **fields)


def shown(answers):
    return [(answer.text, answer.is_right, answer.is_chosen) for answer in answers]


def test_boxes_come_from_the_dataset(rows_opened):
    columns = {"boxes": "boxes", "instruction": "said", "split": "split"}
    said = [{"text": "left", "answer": 0}, {"text": "right", "answer": 1}]
    dataset = rows_opened("grounding", columns, [{"boxes": [[0, 0, 4, 4], [4, 4, 9, 9]], "said": said}])
    run = scored(GroundingPredictions, [0.0, 2.0], [False, True], "0.jpg#2")
    first, second = run.answers(0, dataset, 0)
    assert (first.text, first.box, first.is_right, first.is_chosen) == ("box 2", (4, 4, 9, 9), True, True)
    assert (second.box, first.share + second.share) == ((0, 0, 4, 4), pytest.approx(1))
    assert shown(run.answers(0)) == [("candidate 2", True, True), ("candidate 1", False, False)]


def test_sentences_of_candidates_come_from_the_dataset(rows_opened):
    columns = {"caption": "caption", "negatives": "wrong", "split": "split"}
    dataset = rows_opened("matching", columns, [{"caption": "a fox", "wrong": ["a | dog", "a cow"]}])
    run = scored(MatchingPredictions, [1.0, 3.0, 2.0], [True, False, False])
    assert shown(run.answers(0, dataset, 0)) == [
        ("a | dog", False, True), ("a cow", False, False), ("a fox", True, False),
    ]  # fmt: skip


def test_a_pair_is_two_images_with_two_texts_each(rows_opened):
    columns = {"caption": "said", "pair": "n", "split": "split"}
    dataset = rows_opened("matching", columns, [{"said": "text 0", "n": 0}, {"said": "text 1", "n": 0}])
    run = scored(MatchingPredictions, [2.0, 3.0, 0.0, 1.0], [True, False, False, True], form="pairs")
    answers = run.answers(0, dataset, 0)
    assert [(a.image, *each) for a, each in zip(answers, shown(answers), strict=True)] == [
        ("0.jpg", "text 0", True, False), ("0.jpg", "text 1", False, True),
        ("1.jpg", "text 0", False, False), ("1.jpg", "text 1", True, True),
    ]  # fmt: skip


@pytest.mark.parametrize(("score", "first"), [(2.0, "true"), (-2.0, "false"), (0.0, "true")])
def test_a_statement_is_true_or_false(score, first):
    answers = scored(MatchingPredictions, [score], [True], form="statement").answers(0)
    assert answers[0].text == first == next(answer.text for answer in answers if answer.is_chosen)
    assert [answer.text for answer in answers if answer.is_right] == ["true"]


@pytest.fixture
def ranked():
    """Unit rows of 8 texts and 30 images, and the pairs that belong together, text and image."""
    rng = np.random.default_rng(1)
    texts, images = (normalise(rng.normal(size=(n, 6)).astype(np.float32)) for n in (8, 30))
    return texts, images, np.array([(text, image) for image in range(28) for text in {image % 7}])


def test_the_first_five_and_the_best_right_one(ranked):
    texts, images, pairs = ranked
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    found = first_answers(texts, images, pairs, [f"{i}.png" for i in range(30)], images=True)
    assert len(found) == 7, "the last text is nobody's"
    late = 0
    for text, answers in enumerate(found):
        cosines = images @ texts[text]
        order = np.argsort(-cosines, kind="stable")
        assert [answer.image for answer in answers[:5]] == [f"{i}.png" for i in order[:5]]
        assert [answer.is_right for answer in answers[:5]] == [i % 7 == text and i < 28 for i in order[:5]]
        if len(answers) == 6:
            late += 1
            best = next(i for i in order if i % 7 == text and i < 28)
            assert (answers[5].text, answers[5].is_right) == (f"{best}.png", True)
        assert any(answer.is_right for answer in answers)
    assert 0 < late < 7


def test_first_answers_are_kept_and_old_files_have_none(ranked, tmp_path):
    texts, images, _ = ranked
    first = first_answers(texts[:1], images, np.array([[0, 3]]), [f"{i}.png" for i in range(30)], images=True)
    run = RetrievalPredictions(["text_to_image"], ["a leaf"], [None], [[9]], {"text_to_image": 30}, first)
    run.write(tmp_path / "new.parquet")
    again = RetrievalPredictions.read(tmp_path / "new.parquet").answers(0)
    assert shown(again) == shown(run.answers(0))
    assert [(a.image, a.score) for a in again] == [(a.image, pytest.approx(a.score)) for a in first[0]]
    RetrievalPredictions(["text_to_image"], ["a"], [None], [[9]], {"text_to_image": 30}).write(tmp_path / "old.parquet")
    assert RetrievalPredictions.read(tmp_path / "old.parquet").answers(0) == []
