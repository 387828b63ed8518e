"""Every image comes once an epoch, in an order that depends on the position alone."""

import numpy as np
import pytest

from workbench.adaptation.order import ShuffledOrder, shares


@pytest.mark.parametrize("window", [None, 4, 7, 100])
def test_each_epoch_has_every_image_once(window):
    order = ShuffledOrder(23, window, (0, 1))
    images, epochs = order.at(0, 3 * 23)
    for epoch in range(3):
        assert sorted(images[epochs == epoch].tolist()) == list(range(23))
    assert not np.array_equal(images[:23], images[23:46])


def test_it_is_a_function_of_the_position():
    whole, _ = ShuffledOrder(23, 5, (0, 1)).at(0, 60)
    other = ShuffledOrder(23, 5, (0, 1))
    pieces = [other.at(start, 7)[0] for start in (42, 0, 21)]  # Whatever was asked for before.
    np.testing.assert_array_equal(pieces[0], whole[42:49])
    np.testing.assert_array_equal(pieces[1], whole[:7])
    np.testing.assert_array_equal(pieces[2], whole[21:28])
    assert not np.array_equal(whole, ShuffledOrder(23, 5, (1, 1)).at(0, 60)[0])


def test_a_window_keeps_neighbours_together():
    images, _ = ShuffledOrder(1000, 100, (0,)).at(0, 1000)
    spans = [np.ptp(images[start : start + 100]) for start in range(0, 1000, 100)]
    assert spans == [99] * 10
    assert not np.array_equal(images[::100] // 100, np.arange(10))  # Windows come in another order, too,
    assert np.abs(np.diff(images[:100])).mean() > 20  # and so do their images.


@pytest.mark.parametrize(
    ("weights", "batch", "expected"),
    [([1, 1], 5, [3, 2]), ([0.7, 0.2, 0.1], 10, [7, 2, 1]), ([1000, 1, 1], 4, [2, 1, 1]), ([3], 8, [8])],
)
def test_shares_of_a_batch(weights, batch, expected):
    assert shares(weights, batch) == expected
