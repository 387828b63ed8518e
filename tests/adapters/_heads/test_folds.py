"""Folds: stratified, nothing divided, and no class that only one unit has is asked for where it was not taught."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from adapters._heads.folds import divisions, fold_numbers, units


def spread(labels, fold):
    """Largest difference, over labels, between the numbers of images that two folds hold out."""
    counts = [np.bincount(labels[fold == k], minlength=labels.max() + 1) for k in range(fold.max() + 1)]
    return int((np.max(counts, axis=0) - np.min(counts, axis=0)).max())


def test_images_alone_are_dealt_out_exactly():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(7), [23, 16, 11, 10, 7, 5, 2]))
    fold = fold_numbers(labels, np.arange(len(labels)), seed=0)
    assert set(fold) == {0, 1, 2, 3, 4}
    assert spread(labels, fold) <= 1
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize(("shots", "folds"), [(2, 2), (3, 3), (4, 4), (5, 5), (16, 5)])
def test_few_shots_make_as_many_folds_as_a_class_has_images(shots, folds):
    labels = np.repeat(np.arange(6), shots)
    parts = divisions(labels, np.arange(len(labels)), seed=0)
    assert len(parts) == folds
    for fit, graded in parts:
        assert len(np.intersect1d(fit, graded)) == 0
        assert set(labels[graded]) == set(labels)
    assert sorted(np.concatenate([graded for _, graded in parts])) == list(range(len(labels)))


def test_groups_are_never_divided_and_labels_are_spread_as_evenly_as_scikit_learn_spreads_them():
    rng = np.random.default_rng(1)
    groups = rng.integers(40, size=600)
    labels = (groups % 4 + (rng.random(600) < 0.3)) % 4
    fold = fold_numbers(labels, groups, seed=0)
    for group in range(40):
        assert len(set(fold[groups == group])) == 1
    theirs = np.empty_like(fold)
    for k, (_, held) in enumerate(StratifiedGroupKFold(5).split(np.zeros(600), labels, groups)):
        theirs[held] = k
    assert spread(labels, fold) <= spread(labels, theirs) + 2


def test_a_class_with_one_image_stays_in_training():
    labels = np.array([0] * 5 + [1] * 5 + [2])
    parts = divisions(labels, np.arange(11), seed=0)
    assert len(parts) == 5
    for fit, graded in parts:
        assert 10 in fit
        assert 10 not in graded


def test_an_image_is_graded_only_where_training_has_its_label():
    """The last group alone has class 2, and class 0 as well: it is held out, but only class 0 is asked for."""
    labels = np.array([0, 0, 1, 1, 0, 0, 1, 1, 0, 2])
    groups = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    parts = divisions(labels, groups, seed=0)
    assert len(parts) == 3
    for fit, graded in parts:
        assert set(labels[graded]) <= set(labels[fit])
    assert 8 in np.concatenate([graded for _, graded in parts])
    assert 9 not in np.concatenate([graded for _, graded in parts])


@pytest.mark.parametrize(
    ("labels", "groups"),
    [
        (np.arange(5), np.arange(5)),  # One image a class.
        (np.repeat(np.arange(5), 3), np.repeat(np.arange(5), 3)),  # One group a class.
        (np.array([0, 0, 0, 1, 2, 3, 4]), np.arange(7)),  # Most classes cannot be graded.
        (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)),
    ],
)
def test_there_are_no_folds_where_most_classes_could_not_be_graded(labels, groups):
    assert divisions(labels, groups, seed=0) == []


def test_every_label_of_an_image_with_several_is_spread():
    rng = np.random.default_rng(2)
    labels = rng.random((200, 6)) < np.array([0.5, 0.3, 0.2, 0.1, 0.05, 0.02])
    labels[:, 5] = False
    labels[:2, 5] = True
    fold = fold_numbers(labels, np.arange(200), seed=0)
    for c in range(6):
        counts = np.bincount(fold[labels[:, c]], minlength=5)
        assert counts.max() - counts.min() <= max(2, 0.3 * counts.mean())
    for fit, graded in divisions(labels, np.arange(200), seed=0):
        assert not (labels[graded].any(axis=0) & ~labels[fit].any(axis=0)).any()


def test_the_seed_and_nothing_else_draws():
    labels = np.repeat(np.arange(3), 20)
    first, again, other = (fold_numbers(labels, np.arange(60), seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_picture_that_very_many_groups_share_does_not_join_them():
    features = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    features[::3] = features[0]  # A placeholder in each of ten groups.
    groups = np.arange(30) // 3
    assert len(set(units(features, groups))) == 10
    features[3::3] = np.random.default_rng(1).normal(size=(9, 3))
    features[3] = features[0]  # A copy in two of them.
    assert len(set(units(features, groups))) == 9


def test_equal_images_and_groups_stay_together():
    features = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    features[5] = features[0]
    assert len(set(units(features, None))) == 5
    found = units(features, np.array([7, 7, 3, 4, 4, 9]))  # Image 5 ties its group to the first one.
    assert found[0] == found[1] == found[5]
    assert found[3] == found[4]
    assert len(set(found)) == 3
