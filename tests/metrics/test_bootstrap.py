"""Resampling weights: what they count, and that blocks, groups and caching change nothing."""

import numpy as np
import pytest

from workbench.metrics import _bootstrap
from workbench.metrics._bootstrap import Resampler


def drawn(resampler, **options):
    return np.concatenate(list(resampler.weights(**options)))


def test_each_replicate_draws_as_many_items_as_there_are():
    weights = drawn(Resampler(30, replicates=200))
    assert weights.shape == (200, 30)
    assert (weights.sum(axis=1) == 30).all()
    # Counts are Poisson-like: a share of about 1/e of the items is not drawn.
    assert np.mean(weights == 0) == pytest.approx((1 - 1 / 30) ** 30, abs=0.01)


def test_the_sample_itself_comes_first_on_request():
    resampler = Resampler(12, np.repeat([5, 3, 9], 4), replicates=7)
    with_sample = drawn(resampler, sample=True)
    assert (with_sample[0] == 1).all()
    np.testing.assert_array_equal(with_sample[1:], drawn(resampler))


def test_whole_groups_are_drawn():
    groups = np.array([2, 0, 2, 1, 0, 0])
    weights = drawn(Resampler(6, groups, replicates=50))
    for group in range(3):
        own = weights[:, groups == group]
        assert (own == own[:, :1]).all()
    by_group = weights[:, [0, 1, 3]]
    assert (by_group.sum(axis=1) == 3).all()


def test_small_blocks_draw_what_one_block_draws(monkeypatch):
    whole = drawn(Resampler(20, replicates=25, seed=4), sample=True)
    monkeypatch.setattr(_bootstrap, "_BLOCK_BYTES", 8 * 20 * 4)
    blocks = list(Resampler(20, replicates=25, seed=4).weights(sample=True))
    assert [len(block) for block in blocks] == [5, 4, 4, 4, 4, 4, 1]
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
