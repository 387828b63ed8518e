"""Few-shot samples: size, nesting, independence of classes."""

import numpy as np

from workbench.tasks.few_shot import MAX_VALIDATION_SHOTS, sample_shots


def test_takes_what_there_is_of_rare_classes():
    labels = np.array([0] * 10 + [1] * 2 + [2])
    chosen = sample_shots(labels, 4, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [4, 2, 1]


def test_same_seed_same_sample_and_other_seed_another():
    labels = np.repeat(np.arange(4), 50)
    assert (sample_shots(labels, 5, 1) == sample_shots(labels, 5, 1)).all()
    assert set(sample_shots(labels, 5, 1)) != set(sample_shots(labels, 5, 2))


def test_more_shots_contain_fewer():
    labels = np.repeat(np.arange(3), 30)
    assert set(sample_shots(labels, 2, 0)) <= set(sample_shots(labels, 8, 0))


def test_multi_label_items_count_for_each_of_their_labels():
    labels = np.array([[True, False], [True, True], [False, True], [True, False]])
    chosen = labels[sample_shots(labels, 1, 0)]
    assert (chosen.sum(axis=0) >= 1).all()
    assert len(chosen) <= 2


def test_each_of_several_labels_is_sampled():
    labels = np.zeros((30, 4), dtype=bool)
    labels[np.arange(30), np.arange(30) % 4] = True
    labels[:4, 3] = True
    found = sample_shots(labels, 3, seed=0)
    assert (labels[found].sum(axis=0) >= 3).all()
    assert len(found) <= 12


def test_nothing_is_sampled_of_nothing():
    assert sample_shots(np.zeros(0, np.int64), 3, seed=0).tolist() == []


def test_validation_has_four_a_class_at_most():
    """As reports and docs/numbers.md say."""
    assert MAX_VALIDATION_SHOTS == 4
