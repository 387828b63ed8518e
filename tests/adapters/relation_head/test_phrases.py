"""Texts as phrases."""

import numpy as np
import pytest

from adapters.relation_head.phrases import embed_phrases, windows


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a red cup and a box", ["a red cup", "red cup and", "cup and a", "and a box"]),
        ("red cup", ["red cup"]),
        ("cup", ["cup"]),
        ("", [""]),
        ("赤い箱の左の缶", ["赤い箱の左の", "い箱の左の缶"]),
        ("赤い箱", ["赤い箱"]),
        ("screwdriver", ["screwdriver"]),
        ("赤い 箱の左の缶", ["赤い箱の左の", "い箱の左の缶"]),
        ("take a 箱 now", ["take a 箱", "a 箱 now"]),
    ],
)
def test_windows_are_runs_of_words_or_of_characters(text, expected):
    assert windows(text, 3) == expected


def test_shared_phrases_are_embedded_once(model):
    found = embed_phrases(model, ["the cup left of the egg", "the cup left of the dish"], 3)
    assert found.members.tolist() == [[0, 1, 2, 3], [0, 1, 2, 4]]
    assert found.embedded.shape[0] == 5
    np.testing.assert_array_equal(found.embedded[0], model.encode_texts(["the cup left"])[0])


def test_undivided_sentences_are_their_own_phrases(model):
    found = embed_phrases(model, ["the cup", "the egg"], None)
    assert found.members.tolist() == [[0], [1]]
    np.testing.assert_array_equal(found.embedded, found.sentences)
