"""Made splits to the letter: which images exactly, how many units, and what is said."""

import numpy as np
import pytest

from tests.datasets.test_splits import hashes, made
from workbench.datasets.card_tables import Splits
from workbench.datasets.splits import hold_out, hold_out_units, make_missing_splits

ALONE = ([1, 5, 9, 14, 24], [4, 13, 23])
GROUPED = (
    [16, 17, 18, 19, 23, 24, 25],
    [3, 4, 5, 10],
)


def held(roles, role="test"):
    return [i for i, own in enumerate(roles) if own == role]


def test_the_same_images_are_drawn_in_every_version():
    """Whoever changes these has changed the numbers of all made splits."""
    roles, _ = made([("a",)] * 13 + [("b",)] * 8 + [()] * 4)
    assert (held(roles), held(roles, "val")) == ALONE
    groups = [f"g{i}" for i in range(12) for _ in range(1 + i % 4)]
    labels = [("a",) if i % 3 else ("a", "b") for i in range(len(groups))]
    roles, _ = made(labels, groups)
    assert (held(roles), held(roles, "val")) == GROUPED


@pytest.mark.parametrize(("fraction", "count"), [(0.3, 3), (0.01, 1), (0.26, 3), (0.99, 9)])
def test_units_are_counted_whatever_their_size(fraction, count):
    groups = [f"g{i}" for i in range(10) for _ in range(i + 1)]
    found = hold_out_units(groups, hashes(len(groups)), fraction, "salt")
    drawn = {groups[i] for i in found.rows}
    assert len(drawn) == count
    assert [i for i, group in enumerate(groups) if group in drawn] == found.rows.tolist()
    assert found.too_large == 0


def test_folds_are_of_equal_size_and_hold_every_unit_once():
    groups = [f"g{i // 2}" for i in range(20)]
    folds = [hold_out_units(groups, hashes(20), 0.5, "salt", (k, 3)).rows.tolist() for k in (1, 2, 3)]
    assert [len(rows) for rows in folds] == [8, 6, 6]
    assert sorted(row for rows in folds for row in rows) == list(range(20))


def test_a_fold_is_of_test_alone():
    groups = [f"c{i // 4}" for i in range(40)]
    splits = Splits(by="class", fold=(2, 5), val_fraction=0.5)
    ids = [str(i) for i in range(40)]
    roles, notes = make_missing_splits(["train"] * 40, [(g,) for g in groups], groups, hashes(40), ids, splits)
    drawn = {role: len({groups[i] for i in held(roles, role)}) for role in ("test", "val", "train")}
    assert drawn == {"test": 2, "val": 4, "train": 4}
    assert notes[0] == "The test split was made from train: 8 of 40 images in 2 of 10 classes, by class, seed 0."


def test_a_second_label_has_its_share_too():
    labels = [("a", "b") if i < 2 else ("a",) for i in range(40)]
    for seed in range(20):
        taken = set(hold_out(labels, [None] * 40, hashes(40, seed), 0.2, "salt").rows.tolist())
        assert len(taken & {0, 1}) == 1


def test_an_unreadable_image_counts_for_no_size():
    labels, readable = [("a", "b"), ("a",), ("b",)] * 8 + [()], np.array([True] * 24 + [False])
    content = hashes(25)
    content[24] = 255  # It is the last unit.
    found = hold_out(labels, [None] * 25, content, 0.25, "salt", readable)
    assert 5 <= len(set(found.rows.tolist()) - {24}) <= 7


def test_notes_say_what_was_made_and_why_not():
    _, notes = made([("a",)] * 20)
    assert notes[0] == (
        "The test split was made from train: 4 of 20 images, stratified by label, without groups, seed 0."
    )
    _, notes = made([("a",)] * 8, ["one patient"] * 8)
    assert notes[0] == (
        "There is no test split, and train cannot be divided to make one: all its images are of one group, "
        "'one patient'."
    )
    _, notes = made([("a",)])
    assert notes[0] == "There is no test split, and train cannot be divided to make one."


@pytest.mark.parametrize(("copies", "said"), [(1, "a picture that is in"), (2, "2 pictures that are in")])
def test_pictures_that_join_all_groups_are_named(copies, said):
    content = hashes(6)
    groups = ["g", "g", "g", "h", "h", "h"]
    content[3 : 3 + copies] = content[:copies]
    _, notes = made([("a",)] * 6, groups, content=content)
    assert f"equal images join its 2 groups into one, by {said} several of them" in notes[0]
    assert "(0.jpg, 3.jpg are equal)" in notes[0]


def test_three_equal_images_are_all_named():
    content = hashes(6)
    content[[1, 3]] = content[0]
    _, notes = made([("a",)] * 6, ["g", "g", "g", "h", "h", "h"], content=content)
    assert "(0.jpg, 1.jpg, 3.jpg are equal)" in notes[0]
