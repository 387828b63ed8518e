"""Accuracy by kind and by number of candidates."""

import numpy as np
import pytest

from workbench.errors import DataError
from workbench.metrics.choices import choice_metrics

SCORES = np.array([3, 1, 2, 1, 5, 4, 0, 9], dtype=np.float32)
RIGHT = np.array([1, 0, 0, 1, 1, 0, 1, 0], dtype=bool)
STARTS = np.array([0, 2, 5])  # Items of 2, 3 and 3 candidates: right, right (two of them), wrong.


def test_every_kind_and_number_of_candidates_has_its_accuracy():
    found = choice_metrics(SCORES, RIGHT, STARTS, categories=np.array(["a", "b", "b"]), by_candidates=True)
    assert {name: estimate.value for name, estimate in found.items()} == {
        "accuracy": pytest.approx(2 / 3),
        "accuracy/a": 1,
        "accuracy/b": 0.5,
        "accuracy/2_candidates": 1,
        "accuracy/3_candidates": 0.5,
    }
    assert found["accuracy/b"].n == 2


def test_items_without_a_kind_make_no_kind():
    assert set(choice_metrics(SCORES, RIGHT, STARTS, categories=np.array(["", "", ""]))) == {"accuracy"}


@pytest.mark.parametrize(("right", "what"), [([0, 0, 1], "no right"), ([1, 1, 1], "no wrong")])
def test_an_item_without_a_choice_is_refused(right, what):
    with pytest.raises(DataError, match=f"item 0 has {what} candidate"):
        choice_metrics(np.zeros(3, np.float32), np.array(right, dtype=bool), np.array([0, 2]))


def test_nan_is_refused():
    with pytest.raises(DataError, match="NaN"):
        choice_metrics(np.array([np.nan, 1.0]), np.array([True, False]), np.array([0]))
