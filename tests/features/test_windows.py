"""Heat maps against loops over pixels, and the place where one is highest."""

import numpy as np
import pytest

from workbench.features.windows import Windows, peak


def test_a_heat_map_is_the_mean_over_windows_of_each_scale():
    rng = np.random.default_rng(0)
    windows = Windows.over((23, 17), (1, 2, 4))
    scores = rng.normal(size=len(windows.boxes))
    expected = np.zeros((17, 23))
    for y in range(17):
        for x in range(23):
            means = []
            for scale in range(3):
                inside = [
                    scores[i]
                    for i, (left, top, right, bottom) in enumerate(windows.boxes)
                    if windows.scale[i] == scale and left <= x < right and top <= y < bottom
                ]
                means.append(np.mean(inside))
            expected[y, x] = np.mean(means)
    np.testing.assert_allclose(windows.heat_map(scores), expected, atol=1e-5)


@pytest.mark.parametrize("size", [(640, 480), (10, 400), (3, 2)])
def test_every_pixel_is_in_a_window_of_every_scale(size):
    windows = Windows.over(size)
    np.testing.assert_allclose(windows.heat_map(np.ones(len(windows.boxes))), 1, atol=1e-6)


def test_the_peak_is_where_the_map_is_highest():
    heat = np.zeros((9, 12), np.float32)
    heat[3:6, 7:10] = 1
    assert peak(heat) == (8, 4)
    heat[1, 2] = 2
    assert peak(heat) == (2, 1)
    assert peak(np.full((3, 5), -7, np.float32)) == (2, 1)
