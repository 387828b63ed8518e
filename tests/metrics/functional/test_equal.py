import numpy as np

from workbench.arrays import normalise
from workbench.metrics import functional as F


def test_rows_that_differ_by_rounding_are_equal_and_others_are_not():
    rng = np.random.default_rng(0)
    base = normalise(rng.normal(size=(500, 64)).astype(np.float32))
    copy_of = rng.integers(0, 500, 200)
    copies = base[copy_of] + rng.normal(0, 1e-8, (200, 64)).astype(np.float32)
    near = base[:50] + rng.normal(0, 1e-4, (50, 64)).astype(np.float32)
    rows = np.concatenate([base, copies, normalise(near)])
    expected = [*range(500), *copy_of, *range(700, 750)]
    np.testing.assert_array_equal(F.first_equal(rows), expected)
    back = F.first_equal(rows[::-1])
    assert len(np.unique(back)) == 550
    assert (back <= np.arange(750)).all()


def test_all_rows_at_one_point_and_no_rows():
    assert F.first_equal(np.tile(normalise(np.ones((1, 5), np.float32)), (3000, 1))).tolist() == [0] * 3000
    assert F.first_equal(np.zeros((0, 5), np.float32)).tolist() == []
