import itertools

import numpy as np
import pytest
from scipy import stats

from workbench.metrics import mcnemar, sign_flip, sign_flips


def by_every_pattern(parts):
    sums = np.array(list(itertools.product((-1, 1), repeat=len(parts)))) @ parts
    return np.mean(np.abs(sums) >= abs(parts.sum()) - 1e-9)


@pytest.mark.parametrize("parts", [
    np.random.default_rng(0).normal(0.5, 1, 9),
    np.random.default_rng(1).integers(-3, 5, 17) / 3 / 842,
    np.array([2, 2, 4, -2, 6, 2, 2, -4, 4, 2, 2, 2, 2, -2, 2, 6]) / 15,
    np.array([3, 5, -4, 8, 3, 3, 4, 5, -3, 4, 4, 5, 3, 3, 4]) * 0.1,
    np.array([7.0, -7.0]),
], ids=["few that fit no step", "thirds", "fifteenths", "no unit of one step", "two that cancel"])  # fmt: skip
def test_exact_values_are_those_of_every_pattern(parts):
    p, exact = sign_flip(parts)
    assert exact
    assert p == pytest.approx(by_every_pattern(parts), rel=1e-9)


@pytest.mark.parametrize(("a", "b"), [(40, 61), (0, 20), (700, 820), (5000, 5300), (0, 3000)])
def test_hits_of_one_seed_are_mcnemars(a, b):
    p, exact = sign_flip(np.r_[np.full(a, 1.0), np.full(b, -1.0), np.zeros(99)] / 9000)
    assert exact
    assert p == pytest.approx(mcnemar(a, b), rel=1e-8, abs=1e-300)
    assert p > 0


def test_steps_of_thousands_of_units_agree_with_random_patterns():
    rng = np.random.default_rng(2)
    steps = rng.integers(-3, 4, 2000) / 3
    p, exact = sign_flip(steps)
    noisy, by_chance = sign_flip(steps + 1e-5 * rng.normal(size=2000), draws=20_000)
    assert (exact, by_chance) == (True, False)
    assert p == pytest.approx(noisy, abs=0.012)


def test_many_units_agree_with_scipys_permutation_test():
    parts = np.random.default_rng(1).normal(0.2, 1, 150)
    p, exact = sign_flip(parts, draws=20_000)
    assert not exact
    reference = stats.permutation_test(
        (parts,), np.sum, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(2)
    )
    assert p == pytest.approx(reference.pvalue, abs=0.012)
    assert sign_flip(parts, draws=20_000) == (p, exact)


def test_random_patterns_never_give_zero_and_nothing_gives_one():
    parts = np.random.default_rng(3).normal(0.3, 1, 60)
    assert sign_flip(parts, draws=9)[0] >= 0.1
    assert sign_flip(np.zeros(60)) == (1.0, True)
    assert sign_flip(np.zeros(0)) == (1.0, True)
    assert sign_flips(np.zeros((50, 2)))[0].tolist() == [1.0, 1.0]


def test_the_random_test_keeps_its_level_where_pairs_stop_at_a_hundred_extreme_patterns_and_where_they_go_on():
    p, exact = sign_flips(np.random.default_rng(4).normal(size=(40, 4000)), draws=30_000)
    assert not exact.any()
    for level in (0.002, 0.01, 0.05, 0.5):
        found = np.count_nonzero(p <= level)
        assert stats.binomtest(found, len(p), level).pvalue > 0.001, level


def test_a_family_is_tested_as_each_pair_is():
    rng = np.random.default_rng(1)
    columns = np.column_stack([rng.normal(mean, 1, 120) for mean in (0, 0.1, 0.2, 0.35)])
    columns[12:, 0] = 0
    columns = np.column_stack([columns, rng.integers(-1, 2, 120)])
    p, exact = sign_flips(columns, draws=50_000)
    assert exact.tolist() == [True, False, False, False, True]
    for k, column in enumerate(columns.T):
        assert p[k] == pytest.approx(sign_flip(column, draws=50_000)[0], rel=0.4, abs=0.015)


def test_beyond_the_random_patterns_p_is_hoeffdings_bound_and_never_too_small():
    parts = 1 + 0.1 * np.random.default_rng(5).random(40)
    p, _ = sign_flips(parts[:, None], draws=999)
    assert p[0] == pytest.approx(2 * np.exp(-0.5 * parts.sum() ** 2 / (parts**2).sum()))
    assert p[0] >= 2 / 2**40  # the exact value: only all-plus and all-minus are as extreme
