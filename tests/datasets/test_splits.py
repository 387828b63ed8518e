"""Made splits: stratified, seeded, never dividing what belongs together."""

from collections import Counter

import numpy as np
import pytest

from workbench.datasets.card import Splits
from workbench.datasets.roles import assign_roles, role_of
from workbench.datasets.splits import hold_out, make_missing_splits
from workbench.errors import DataError


def hashes(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 32), dtype=np.uint8)


def made(labels, groups=None, seed=0, roles=None, content=None):
    n = len(labels)
    content = hashes(n) if content is None else content
    return make_missing_splits(roles or ["train"] * n, labels, groups or [None] * n, content, Splits(seed=seed))


def test_each_class_gives_its_share_of_test_then_of_val():
    labels = [("a",)] * 100 + [("b",)] * 50 + [("c",)] * 10
    roles, notes = made(labels)
    found = Counter(zip([own[0] for own in labels], roles, strict=True))
    assert [found[c, "test"] for c in "abc"] == [20, 10, 2]
    assert [found[c, "val"] for c in "abc"] == [12, 6, 1]  # 15 % of what is left
    assert len(notes) == 2
    assert "32 of 160 images" in notes[0]
    assert "seed 0" in notes[0]


def test_the_seed_decides_and_file_order_does_not():
    labels = [("a",)] * 40 + [("b",)] * 40
    content = hashes(80)
    first, _ = made(labels, content=content)
    again, _ = made(labels, content=content)
    other, _ = made(labels, content=content, seed=1)
    assert first == again
    assert first != other
    order = np.random.default_rng(5).permutation(80)
    shuffled, _ = made([labels[i] for i in order], content=content[order])
    assert shuffled == [first[i] for i in order]


def test_a_grown_dataset_keeps_most_of_its_made_split():
    content = hashes(210)
    before, _ = made([("a",)] * 200, content=content[:200])
    after, _ = made([("a",)] * 210, content=content)
    assert sum(a != b for a, b in zip(before, after[:200], strict=True)) <= 10


def test_given_splits_stay_and_only_the_missing_one_is_made():
    labels = [("a",), ("b",)] * 40
    roles, notes = made(labels, roles=["test" if i < 20 else "train" for i in range(80)])
    assert [i for i, role in enumerate(roles) if role == "test"] == list(range(20))
    assert roles.count("val") == 8  # round(0.15 * 30) = 4 of each class
    assert len(notes) == 1
    assert "val split was made" in notes[0]


@pytest.mark.parametrize("seed", range(5))
def test_a_group_never_spans_two_splits_and_classes_keep_their_share(seed):
    rng = np.random.default_rng(seed)
    groups = [f"patient {g}" for g in range(60) for _ in range(rng.integers(2, 12))]
    labels = [(rng.choice(["common", "common", "common", "rare"]),) for _ in groups]
    roles, notes = made(labels, groups, seed=seed)
    by_group = {}
    for group, role in zip(groups, roles, strict=True):
        by_group.setdefault(group, set()).add(role)
    assert all(len(found) == 1 for found in by_group.values())
    for name in ("common", "rare"):
        own = [role for role, (label,) in zip(roles, labels, strict=True) if label == name]
        assert own.count("test") / len(own) == pytest.approx(0.2, abs=0.05)
        assert own.count("val") / len(own) == pytest.approx(0.8 * 0.15, abs=0.05)
    assert "by group" in notes[0]
    assert "of 60 groups" in notes[0]


def test_copies_of_an_image_stay_together_even_through_different_groups():
    content = hashes(40)
    content[1::2] = content[::2]  # Images 2k and 2k + 1 are the same.
    roles, _ = made([("a",)] * 40, content=content)
    assert roles[::2] == roles[1::2]
    # Group g0 shares an image with g1, g1 with g2, ...: one chain of 20 images, and 20 free ones.
    chain = hashes(40, seed=1)
    chain[2:20:2] = chain[1:19:2]
    roles, _ = made([("a",)] * 40, [f"g{i // 2}" if i < 20 else f"h{i}" for i in range(40)], content=chain)
    assert len(set(roles[:20])) == 1
    assert set(roles) == {"train", "val", "test"}


def test_tiny_classes_stay_in_train_and_pairs_are_shared():
    roles, _ = made([("one",), ("two",), ("two",)] + [("many",)] * 30)
    assert roles[0] == "train"
    assert sorted(roles[1:3]) == ["test", "train"]


def test_multi_label_shares_are_kept():
    rng = np.random.default_rng(0)
    labels = [tuple(name for name, p in (("a", 0.5), ("b", 0.2), ("c", 0.05)) if rng.random() < p) for _ in range(600)]
    roles, _ = made(labels)
    for name in "abc":
        total = sum(name in own for own in labels)
        held = sum(name in own for own, role in zip(labels, roles, strict=True) if role == "test")
        assert held == pytest.approx(0.2 * total, abs=2)


def test_no_labels_at_all_is_a_plain_share():
    roles, _ = made([()] * 100)
    assert roles.count("test") == 20


def test_classes_of_one_group_each_still_give_a_test_split():
    groups = [f"g{i // 10}" for i in range(40)]
    roles, _ = made([(group,) for group in groups], groups)
    assert roles.count("test") == 10
    assert roles.count("train") >= 10


def test_a_single_group_cannot_be_divided_and_that_is_said():
    roles, notes = made([("a",), ("b",)] * 5, ["only"] * 10)
    assert set(roles) == {"train"}
    assert [("test" in note, "cannot" in note) for note in notes] == [(True, True), (False, True)]


def test_hold_out_never_takes_everything():
    for n in range(1, 6):
        assert len(hold_out([("a",)] * n, [None] * n, hashes(n), 0.9, "salt")) == max(0, n - 1)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("validation", "val"),
        ("dev", "val"),
        ("TEST", "test"),
        ("extra", None),
    ],
)
def test_usual_names_of_splits(name, role):
    assert role_of(name) == role


def test_the_card_comes_before_usual_names():
    assert role_of("val", Splits(test="val")) == "test"
    assert role_of("validation", Splits(val="dev")) is None
    assert role_of("validation", Splits(), present={"val", "validation"}) is None


def test_unnamed_splits_are_left_out_and_said():
    roles, notes = assign_roles(["train", "iconic", "valid", None, "iconic"], Splits(), "shop")
    assert roles == ["train", None, "val", None, None]
    assert "2 images of the source's split 'iconic'" in notes[0]
    assert "1 images" in notes[1]


def test_no_usable_split_is_an_error_with_both_sides():
    with pytest.raises(DataError, match=r"train = 'train'.*the source has 'fold1', 'fold2'"):
        assign_roles(["fold1", "fold2"], Splits(), "shop")
