"""What a random draw of units may never take, whatever its numbers."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from workbench.datasets._draw import SplitUnits, apportion, draw, too_large


def units(images, seed=0, more=0):
    """Units of images by label, and of `more` images without one."""
    table, rng = np.array(images, np.int64), np.random.default_rng(seed)
    sizes = table.sum(axis=1) + more
    return SplitUnits(csr_array(table), sizes, rng.random(len(table)), rng.random(table.shape[1]), float(rng.random()))


@pytest.mark.parametrize("seed", range(8))
def test_one_of_two_units_is_drawn_and_none_of_one(seed):
    assert draw(units([[3], [3]], seed), 0.2).sum() == 1
    assert (
        draw(units([[3, 0], [0, 3]], seed), 0.2).sum() == 1
    )  # Each label is lost to one side; so labels do not count.
    assert draw(units([[3]], seed), 0.9).sum() == 0


@pytest.mark.parametrize("seed", range(8))
def test_each_label_leaves_a_unit_behind_and_is_drawn_from(seed):
    of_labels = [[4, 0]] * 3 + [[0, 4]] * 3
    for fraction in (0.1, 0.9):
        drawn = draw(units(of_labels, seed), fraction)
        assert 1 <= drawn[:3].sum() <= 2
        assert 1 <= drawn[3:].sum() <= 2
    lone = draw(units([*of_labels, [2, 2], [2, 2]], seed), 0.9)
    assert not lone.all()


def test_units_above_the_share_and_twice_the_mean_are_too_large():
    sizes = [[4]] * 9 + [[9]]  # The mean is 4.5.
    assert too_large(units(sizes), 0.1).tolist() == [False] * 10  # 9 is no more than twice the mean.
    sizes[-1] = [10]
    assert too_large(units(sizes), 0.1).tolist() == [False] * 9 + [True]
    assert not too_large(units(sizes), 0.5).any()


def test_units_with_most_of_a_label_are_too_large_unless_it_is_theirs_alone():
    images = [[10, 3], [10, 1], *[[12, 0]] * 6]
    assert too_large(units(images), 0.3).tolist() == [False] * 8  # Three quarters are not more than that.
    images[0] = [9, 4]
    assert too_large(units(images), 0.3).tolist() == [True, *[False] * 7]
    images[1] = [11, 0]
    assert not too_large(units(images), 0.3).any()
    images[1] = [10, 1]
    assert not too_large(units(images), 0.85).any()


def test_shares_are_whole_numbers_by_largest_remainder():
    position = np.array([0.5, 0.1, 0.9])
    five = np.full(3, 5)
    assert apportion(five, five - 1, 0.3, position).tolist() == [1, 2, 1]  # 4.5 in all, to the even 4
    assert apportion(np.array([1, 2, 100]), np.array([0, 1, 99]), 0.3, position).tolist() == [0, 1, 30]
    assert apportion(np.array([10, 10, 10]), np.full(3, 9), 0.2, position).tolist() == [2, 2, 2]
    alone = np.array([1, 1, 1, 1, 1, 7])  # Labels of one unit give none, and others do not make up for them.
    assert apportion(alone, alone - 1, 0.3, np.linspace(0, 1, 6)).tolist() == [0, 0, 0, 0, 0, 2]
    pairs = np.array([2, 2, 2, 10])  # Labels of two give one, and others do make up for them.
    assert apportion(pairs, pairs - 1, 0.75, np.linspace(0, 1, 4)).tolist() == [1, 1, 1, 8]
