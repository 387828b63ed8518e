"""Two runs' classes in one order: raw labels before names, and what is said of those that differ."""

import pytest

from workbench.errors import DataError
from workbench.tasks.classification.classes import class_order, other_names

KEYS, NAMES, LATIN = ("q", "b", "e"), ("oak", "birch", "beech"), ("Quercus", "Betula", "Fagus")


@pytest.mark.parametrize(
    ("own", "reference"),
    [
        ((KEYS, NAMES), (KEYS[::-1], LATIN[::-1])),  # by raw labels, whatever the names
        ((None, NAMES), (None, NAMES[::-1])),  # by names where no raw labels are recorded
        ((("0", "1", "2"), NAMES), (("x", "y", "z"), NAMES[::-1])),  # and where they are others
        ((None, KEYS), (KEYS[::-1], LATIN[::-1])),  # another tool writes raw labels as names
        ((KEYS, LATIN), (None, KEYS[::-1])),
    ],
)
def test_classes_are_the_same_by_raw_labels_then_by_names(own, reference):
    assert class_order(own, reference).tolist() == [2, 1, 0]


def test_raw_labels_that_are_there_on_one_side_are_no_names():
    """The raw labels of one are the names of the other, in another order than its own raw labels."""
    order = class_order((("a", "b"), ("b", "a")), (("a", "b"), ("x", "y")))
    assert order.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("own", "reference", "said"),
    [
        ((KEYS, NAMES), (KEYS[:2], NAMES[:2]), r"\(3 and 2 classes\): 'e' on one side only, none on the other\.$"),
        (
            (KEYS, NAMES), (("q", "b", "x"), ("oak", "birch", "ash")),
            r"\(3 classes each\): 'e' on one side only, 'x' on the other\.$",
        ),
        (
            (None, NAMES), (KEYS, LATIN),
            r"'oak', 'birch', 'beech' on one side only, 'Quercus', .* Raw labels would tell .* run it again\.$",
        ),
        ((KEYS, NAMES), (None, LATIN), r"'oak', 'birch', 'beech' on one side .* Raw labels would tell"),
        ((None, tuple("abcd")), (None, tuple("wxyz")), r"'a', 'b', 'c' and 1 more on one side"),
        ((None, NAMES), (None, LATIN[:2]), r"\(3 and 2 classes\): .*'beech' on one side only, 'Quercus', 'Betula' on"),
        (
            (None, tuple("abcde")), (None, tuple("vwxyz")),
            r"\(5 classes each\): 'a', 'b', 'c' and 2 more on one side only, 'v', 'w', 'x' and 2 more on the other",
        ),
    ],
)  # fmt: skip
def test_what_differs_is_named(own, reference, said):
    with pytest.raises(DataError, match=said):
        class_order(own, reference)


def test_classes_with_other_names_are_counted_and_one_is_named():
    assert other_names((KEYS, NAMES), (KEYS, NAMES)) == []
    assert other_names((KEYS, NAMES), (KEYS[::-1], NAMES[::-1])) == []
    assert other_names((None, NAMES), (None, NAMES)) == []
    one = other_names((KEYS, NAMES), (KEYS, ("oak", "white birch", "beech")))
    assert one == ["the runs call 1 classes otherwise, for example 'birch' and 'white birch'"]
    assert "3 classes otherwise, for example 'oak' and 'Quercus'" in other_names((KEYS, NAMES), (KEYS, LATIN))[0]
    assert "3 classes otherwise, for example 'oak' and 'q'" in other_names((KEYS, NAMES), (KEYS, KEYS))[0]
    assert "3 classes otherwise, for example 'q' and 'oak'" in other_names((None, KEYS), (KEYS, NAMES))[0]
    assert other_names((KEYS, NAMES), (None, ("oak", "ash", "yew"))) == []  # They are not the same classes.
