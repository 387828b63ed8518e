"""The best of several candidates against a naive loop."""

import numpy as np

from workbench.metrics import functional as F


def test_picks_right_against_a_loop():
    rng = np.random.default_rng(0)
    counts = rng.integers(2, 6, 200)
    starts = np.cumsum(counts) - counts
    scores = rng.integers(0, 4, counts.sum()).astype(np.float32)  # Many ties.
    right = rng.random(counts.sum()) < 0.4
    right[starts] = True
    right[starts + 1] = False
    expected = []
    for start, count in zip(starts, counts, strict=True):
        own, truth = scores[start : start + count], right[start : start + count]
        expected.append(max(own[truth]) > max(own[~truth]))
    np.testing.assert_array_equal(F.picks_right(scores, right, starts), expected)
