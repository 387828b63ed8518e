import numpy as np
import pytest

from workbench.arrays import normalise
from workbench.captioning import captions_by_text, consensus_captions, nearest_rows
from workbench.errors import RecipeError


def draw(n, seed):
    return np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)


def test_nearest_rows_equal_a_loop():
    queries, gallery = draw(9, 0), draw(30, 1)
    found = nearest_rows(queries, gallery, 4)
    for query, own in zip(normalise(queries), found, strict=True):
        scores = [float(query @ row) for row in normalise(gallery)]
        assert own.tolist() == sorted(range(30), key=lambda i: -scores[i])[:4]
    assert nearest_rows(queries, gallery[:2], 4).shape == (9, 2)
    assert nearest_rows(queries[:0], gallery, 4).shape == (0, 4)


def test_the_nearest_text_is_the_caption():
    texts = draw(5, 0)
    bank = [f"caption {i}" for i in range(5)]
    assert captions_by_text(3 * texts[[4, 0]], bank, texts) == ["caption 4", "caption 0"]


def test_consensus_takes_what_most_neighbours_say():
    others = np.array([[1, 0.1], [1, 0], [1, -0.1], [-1, 0]], np.float32)
    captions = [["a lone wolf howls"], ["a red leaf on sand"], ["a red leaf on soil", "a red leaf"], ["a blue cup"]]
    image = np.array([[1, 0.09]], np.float32)
    assert consensus_captions(image, others, captions, 1) == ["a lone wolf howls"]
    assert "red leaf" in consensus_captions(image, others, captions, 3)[0]
    assert consensus_captions(-image, others, captions, 1) == ["a blue cup"]


def test_equal_captions_of_one_image_are_no_majority():
    others = np.array([[1, 0], [1, 0.1], [1, 0.2]], np.float32)
    captions = [["x y z"] * 5, ["a red leaf"], ["a red leaf here"]]
    assert consensus_captions(others[:1], others, captions, 3)[0] != "x y z"


def test_an_empty_bank_is_refused():
    with pytest.raises(RecipeError, match="caption"):
        captions_by_text(draw(2, 0), [], draw(0, 1))
    with pytest.raises(RecipeError, match="caption"):
        consensus_captions(draw(2, 0), draw(0, 1), [], 3)
