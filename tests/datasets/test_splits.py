"""Made splits: stratified, seeded, never dividing what belongs together."""

from collections import Counter

import numpy as np
import pytest

from workbench.datasets._units import random_positions, units_of
from workbench.datasets.card_tables import Splits
from workbench.datasets.roles import assign_roles, role_of
from workbench.datasets.splits import hold_out, make_missing_splits
from workbench.errors import DataError


def hashes(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 32), dtype=np.uint8)


def made(labels, groups=None, seed=0, roles=None, content=None):
    n = len(labels)
    content = hashes(n) if content is None else content
    ids = [f"{i}.jpg" for i in range(n)]
    return make_missing_splits(roles or ["train"] * n, labels, groups or [None] * n, content, ids, Splits(seed=seed))


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
    assert roles.count("val") == 9  # 0.15 * 60; one class has one more
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


def test_images_that_could_not_be_read_join_nothing():
    groups = [f"p{g}" for g in range(12) for _ in range(6)]
    content = hashes(72)
    content[::6] = 0  # One of each patient; all have the hash of nothing.
    roles, notes = made([("a",), ("b",)] * 36, groups, content=content)
    held = {group for group, role in zip(groups, roles, strict=True) if role == "test"}
    assert len(held) in {2, 3}
    assert [role == "test" for role in roles] == [group in held for group in groups]
    assert f"in {len(held)} of 12 groups" in notes[0]


def test_images_that_could_not_be_read_are_spread_and_count_for_no_share():
    content = hashes(150)
    content[100:] = 0
    labels = [("a",)] * 50 + [("b",)] * 50 + [("a",)] * 50
    roles, _ = made(labels, content=content)
    assert [roles[:50].count("test"), roles[50:100].count("test"), roles[100:].count("test")] == [10, 10, 10]
    readable, _ = made(labels[:100], content=content[:100])
    assert roles[:100] == readable


def test_a_picture_of_very_many_groups_joins_none_of_them_and_is_named():
    groups = [f"p{g}" for g in range(12) for _ in range(6)]
    content = hashes(72)
    content[5::6] = content[5]
    roles, notes = made([("a",), ("b",)] * 36, groups, content=content)
    assert len({group for group, role in zip(groups, roles, strict=True) if role == "test"}) in {2, 3}
    assert notes[-1].startswith("One picture stands in 12 groups (11.jpg, 17.jpg, 23.jpg and 9 more)")
    assert sum("One picture" in note for note in notes) == 1


def test_a_picture_of_a_few_groups_joins_them():
    groups = [f"p{g}" for g in range(12) for _ in range(6)]
    content = hashes(72)
    content[[5, 11, 17]] = content[5]  # p0, p1, p2
    for seed in range(10):
        roles, notes = made([("a",), ("b",)] * 36, groups, content=content, seed=seed)
        assert len(set(roles[:18])) == 1
        assert not any("picture" in note for note in notes)


@pytest.mark.parametrize(("shared", "joined"), [(8, True), (9, False)])
def test_of_many_groups_a_picture_of_more_than_two_per_cent_joins_none(shared, joined):
    content = hashes(800)
    content[: 2 * shared : 2] = content[0]
    found = set()
    for seed in range(5):
        roles, notes = made([("a",)] * 800, [f"p{i // 2}" for i in range(800)], content=content, seed=seed)
        found.add(len(set(roles[: 2 * shared])) == 1)
        assert any("One picture" in note for note in notes) != joined
    assert found == {True} if joined else False in found


def test_copies_that_join_all_groups_are_the_reason_why_train_cannot_be_divided():
    groups = [f"p{g}" for g in range(12) for _ in range(2)]
    content = hashes(24)
    content[2::2] = content[1:-1:2]  # The second image of each group is the first of the next.
    roles, notes = made([("a",)] * 24, groups, content=content)
    assert set(roles) == {"train"}
    assert "equal images join its 12 groups into one, by 11 pictures" in notes[0]
    assert "(1.jpg, 2.jpg are equal)" in notes[0]


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


MANY_SIZES = [1] * 45 + [2] * 45 + [4, 5, 6, 7] * 5 + [9, 11, 14] * 3 + [40, 60] * 3


@pytest.fixture(scope="module")
def draws():
    """Which of 125 patients, most with one or two images and six with very many, are held out at each of 150 seeds."""
    owner = np.repeat(np.arange(len(MANY_SIZES)), MANY_SIZES)
    rng = np.random.default_rng(0)
    label = rng.choice(["a", "a", "b"], len(MANY_SIZES))
    content, groups = hashes(len(owner)), [f"patient {g}" for g in owner]
    found = []
    for seed in range(150):
        held = hold_out([(str(label[g]),) for g in owner], groups, content, 0.2, f"test-{seed}").rows
        found.append(np.isin(np.arange(len(MANY_SIZES)), owner[held]))
        assert np.bincount(owner[held], minlength=len(MANY_SIZES))[found[-1]].tolist() == [
            size for size, taken in zip(MANY_SIZES, found[-1], strict=True) if taken
        ]
    return np.array(found), np.array(MANY_SIZES), label


def test_a_group_is_held_out_as_often_whatever_its_size(draws):
    held, sizes, _ = draws
    for low, high in ((1, 1), (2, 2), (3, 7), (8, 15), (16, 99)):
        own = held[:, (sizes >= low) & (sizes <= high)]
        # Of so few large groups, which are exchanged for one another, the mean over seeds is still within 3 errors.
        error = own.mean(axis=1).std() / np.sqrt(len(own)) + 1e-3
        assert own.mean() == pytest.approx(0.2, abs=3 * error), (low, high)
    often = held.mean(axis=0)  # Of 150 draws, each with an error of 0.033.
    assert often.min() > 0.06
    assert often.max() < 0.45
    assert often.std() < 0.05


def test_groups_and_images_have_their_share_at_every_seed(draws):
    held, sizes, label = draws
    assert (np.abs(held.sum(axis=1) - 25) <= 1).all()
    images = held @ sizes / sizes.sum()
    assert images.min() > 0.15
    assert images.max() < 0.25
    assert images.mean() == pytest.approx(0.2, abs=0.01)
    for name in "ab":
        own = label == name
        assert (np.abs(held[:, own].sum(axis=1) - 0.2 * own.sum()) <= 2.5).all()
        assert held[:, own].mean() == pytest.approx(0.2, abs=0.01)


def test_the_seed_decides_which_large_groups_are_held_out(draws):
    held, sizes, _ = draws
    large = {tuple(np.flatnonzero(row & (sizes > 15))) for row in held}
    assert len(large) >= 10


def test_a_long_tail_of_labels_gives_every_split_what_it_can():
    rng = np.random.default_rng(2)
    labels, groups = [], []
    for s in range(120):
        for specimen in range(max(1, int(30 / (s + 1) ** 0.7))):
            count = int(rng.integers(1, 9))
            labels += [(f"species {s}",)] * count
            groups += [f"specimen {s}.{specimen}"] * count
    roles, _ = made(labels, groups)
    number = {}
    for (label,), group, role in zip(labels, groups, roles, strict=True):
        number.setdefault(label, {}).setdefault(role, set()).add(group)
    specimens = {label: sum(map(len, of.values())) for label, of in number.items()}
    assert all(of.get("train") for of in number.values())
    for label, count in specimens.items():
        assert len(number[label].get("test", ())) == pytest.approx(max(0.2 * count, 1) if count > 1 else 0, abs=1), (
            label
        )


def test_every_label_is_in_every_split_where_each_has_a_few_groups():
    for seed in range(20):
        groups = [f"p{i // 6}" for i in range(72)]
        labels = [("abc"[i // 6 % 3],) for i in range(72)]
        roles, _ = made(labels, groups, seed=seed)
        found = Counter(zip([own[0] for own in labels], roles, strict=True))
        assert all(found[label, role] >= 6 for label in "abc" for role in ("train", "val", "test"))


def test_units_of_pairs_have_exact_shares():
    groups = [f"pair {i // 2}" for i in range(400)]
    roles, _ = made([("left",), ("right",)] * 200, groups)
    assert roles[::2] == roles[1::2]
    assert (roles.count("test"), roles.count("val")) == (80, 48)


def test_grouped_splits_do_not_depend_on_order_and_mostly_stay_when_a_dataset_grows():
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 20, 105)
    groups = [f"plant {g}" for g in range(105) for _ in range(sizes[g])]
    labels = [(str(rng.choice(["a", "b", "c"])),) for _ in groups]
    content = hashes(len(groups))
    known = int(sizes[:100].sum())
    before, _ = made(labels[:known], groups[:known], content=content[:known])
    order = rng.permutation(known)
    shuffled, _ = made([labels[i] for i in order], [groups[i] for i in order], content=content[order])
    assert shuffled == [before[i] for i in order]
    after, _ = made(labels, groups, content=content)
    changed = {group for group, a, b in zip(groups, before, after, strict=False) if a != b}
    assert len(changed) <= 25  # Of 100; 48 would change place in a new draw.


def test_a_group_larger_than_the_share_stays_in_train_and_that_is_said():
    groups = ["huge"] * 100 + [f"g{i // 2}" for i in range(100)]
    for seed in range(5):
        roles, notes = made([("a",)] * 200, groups, seed=seed)
        assert set(roles[:100]) == {"train"}
        assert roles.count("test") == 20  # A fifth of what can be held out.
        assert "One group of images that belong together is too large for it and stays in train." in notes[0]


def test_a_group_with_nearly_all_images_of_a_label_stays_in_train():
    groups = [f"g{i // 5}" for i in range(500)]
    labels = [("common",)] * 500
    labels[0], labels[5:14] = ("rare",), [("rare",)] * 9  # One of g0, nine of g1 and g2 of the ten.
    groups[5:14] = ["g1"] * 9
    for seed in range(10):
        roles, _ = made(labels, groups, seed=seed)
        assert (roles[0], roles[5]) == ("test", "train")


def test_a_unit_of_many_groups_has_no_other_chances_than_one_of_a_single_group():
    """Were the smallest of three numbers its own, it would be below a fifth in half of all draws."""
    content = hashes(900)
    content[1::3] = content[2::3] = content[::3]
    groups = [f"g{i}" for i in range(900)]
    unit = units_of(groups, content)
    position = random_positions(groups, content, unit, "test-0")
    assert len(position) == 300
    assert np.mean(position < 0.2) == pytest.approx(0.2, abs=0.06)
    assert position.mean() == pytest.approx(0.5, abs=0.05)


def test_groups_of_one_size_are_not_too_large_for_being_few():
    for seed in range(5):
        roles, notes = made([("a",), ("b",)] * 20, [f"g{i // 10}" for i in range(40)], seed=seed)
        assert (roles.count("test"), roles.count("val")) == (10, 10)
        assert "too large" not in " ".join(notes)


def test_many_labels_of_seven_images_have_a_fifth_of_them_in_test_together():
    roles, _ = made([(f"label {i // 7}",) for i in range(700)])
    assert roles.count("test") == 140


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
        assert len(hold_out([("a",)] * n, [None] * n, hashes(n), 0.9, "salt").rows) == max(0, n - 1)


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
    assert notes == [
        "3 of 5 images are left out: 2 in split 'iconic', to which the card gives no role and 1 in no split."
    ]


def test_no_usable_split_is_an_error_with_both_sides():
    with pytest.raises(DataError, match=r"train = 'train'.*the source has 'fold1', 'fold2'"):
        assign_roles(["fold1", "fold2"], Splits(), "shop")
