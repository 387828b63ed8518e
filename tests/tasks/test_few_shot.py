"""Few-shot samples: size, nesting, independence of classes."""

import numpy as np

from workbench.tasks.few_shot import sample_shots


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
