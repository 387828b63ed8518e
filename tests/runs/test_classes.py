"""Classes of two runs are matched by raw label, then by name."""

import numpy as np
import pytest

from workbench.errors import DataError
from workbench.tasks import ClassPredictions

COMMON, LATIN, KEYS = ("ash", "birch", "cedar"), ("Fraxinus", "Betula", "Cedrus"), ("1", "2", "3")
ORDER = [2, 0, 1]


def predictions(names, keys=None, order=(0, 1, 2), labels=(0, 1, 2, 2, -1)):
    """Scores that say which class a column is, in some order of the classes."""
    scores = np.arange(15, dtype=np.float32).reshape(5, 3)[:, list(order)]
    labels = np.array([-1 if label < 0 else list(order).index(label) for label in labels])
    own = [None if each is None else tuple(each[i] for i in order) for each in (names, keys)]
    return ClassPredictions(list("abcde"), [None] * 5, labels, scores, *own)


@pytest.mark.parametrize(
    "reference",
    [
        predictions(LATIN, KEYS),  # By raw label, whatever the names.
        predictions(COMMON),  # By name, where one does not record raw labels.
        predictions(COMMON, ("x", "y", "z")),  # By name, where the raw labels are others.
        predictions(KEYS),  # By names that are the other's raw labels.
    ],
)
def test_columns_and_labels_come_in_the_order_of_the_other(reference):
    found = predictions(COMMON, KEYS, ORDER).matched(reference)
    np.testing.assert_array_equal(found.scores, reference.scores)
    np.testing.assert_array_equal(found.labels, reference.labels)
    assert (found.class_names, found.class_keys) == (reference.class_names, reference.class_keys)


def test_several_labels_move_with_their_columns():
    def hot(order=(0, 1, 2)):
        made = predictions(COMMON, KEYS, order)
        truth = np.eye(3, dtype=bool)[[0, 1, 2, 2, 0]] | np.array([[False, True, False]] * 5)
        return ClassPredictions(
            made.ids, made.groups, truth[:, list(order)], made.scores, made.class_names, made.class_keys
        )

    np.testing.assert_array_equal(hot(ORDER).matched(hot()).labels, hot().labels)


@pytest.mark.parametrize(
    ("names", "keys", "words"),
    [
        (LATIN, None, "3 classes each.*'Fraxinus', 'Betula', 'Cedrus' on one side only.*run it again"),
        (LATIN, ("1", "2", "4"), r"'4' on one side only, '3' on the other\.$"),
        (COMMON[:2], KEYS[:2], r"2 and 3 classes.*none on one side only, '3' on the other\.$"),
    ],
)
def test_other_classes_are_refused(names, keys, words):
    n = len(names)
    other = ClassPredictions(["a"], [None], np.array([0]), np.zeros((1, n), np.float32), names, keys)
    with pytest.raises(DataError, match=words):
        other.matched(predictions(COMMON, KEYS))


def test_raw_labels_are_kept_in_the_file_and_older_files_have_none(tmp_path):
    for keys in (KEYS, None):
        predictions(COMMON, keys).write(tmp_path / "p.parquet")
        found = ClassPredictions.read(tmp_path / "p.parquet")
        assert (found.class_names, found.class_keys) == (COMMON, keys)
