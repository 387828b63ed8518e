import numpy as np
import pytest
from scipy import stats

from workbench.errors import WorkbenchError
from workbench.metrics import average_ranks, friedman, nemenyi_difference


def test_equal_values_share_the_mean_of_their_ranks():
    values = np.array([[0.9, 0.5, 0.9, 0.1], [0.2, 0.2, 0.2, 0.3]])
    np.testing.assert_array_equal(average_ranks(values), [[1.5, 3, 1.5, 4], [3, 3, 3, 1]])
    np.testing.assert_array_equal(average_ranks(values, higher_is_better=False), [[3.5, 2, 3.5, 1], [2, 2, 2, 4]])


@pytest.mark.parametrize("shape", [(2, 3), (3, 4), (5, 7), (30, 12), (8, 13)])
@pytest.mark.parametrize("decimals", [1, 12], ids=["ties", "distinct"])
def test_friedman_is_the_formula_with_the_correction_for_ties(shape, decimals):
    values = np.round(np.random.default_rng(1).random(shape) + 0.02 * np.arange(shape[1]), decimals)
    ranks = average_ranks(values)
    (n, k), middle = shape, (shape[1] + 1) / 2
    statistic = n**2 * np.sum((ranks.mean(axis=0) - middle) ** 2) / (np.sum((ranks - middle) ** 2) / (k - 1))
    found = friedman(ranks)
    assert found.statistic == pytest.approx(statistic)
    assert found.p_value == pytest.approx(stats.chi2.sf(statistic, k - 1), rel=1e-9)
    np.testing.assert_array_equal(found.ranks, ranks.mean(axis=0))


def test_recipes_that_always_tie_do_not_differ():
    found = friedman(average_ranks(np.zeros((4, 3))))
    assert (found.statistic, found.p_value) == (0.0, 1.0)
    np.testing.assert_array_equal(found.ranks, [2, 2, 2])


# Demšar (2006), table 5a: q for the two-tailed Nemenyi test.
TABLE = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}
TABLE_AT_10 = {2: 1.645, 3: 2.052, 4: 2.291, 5: 2.459, 6: 2.589, 7: 2.693, 8: 2.780, 9: 2.855, 10: 2.920}


@pytest.mark.parametrize("k", TABLE)
def test_critical_values_are_the_published_ones(k):
    n = 14
    for level, table in ((0.05, TABLE), (0.10, TABLE_AT_10)):
        q = nemenyi_difference(k, n, level=level) / np.sqrt(k * (k + 1) / (6 * n))
        assert q == pytest.approx(table[k], abs=1.1e-3)


def test_critical_values_beyond_the_table_are_quantiles_of_the_range_of_normals():
    z = np.linspace(-9, 9, 2001)
    q = nemenyi_difference(15, 6) / np.sqrt(15 * 16 / 36) * np.sqrt(2)
    tail = 1 - 15 * np.trapezoid(stats.norm.pdf(z) * (stats.norm.cdf(z + q) - stats.norm.cdf(z)) ** 14, z)
    assert tail == pytest.approx(0.05, abs=1e-8)


def test_demsars_own_example():
    # Section 3.2.2: four classifiers on 14 data sets, critical difference 1.25.
    assert nemenyi_difference(4, 14) == pytest.approx(1.25, abs=0.005)


def test_too_little_to_rank_is_refused():
    with pytest.raises(WorkbenchError, match="there are 1 and 4"):
        friedman(np.ones((1, 4)))
