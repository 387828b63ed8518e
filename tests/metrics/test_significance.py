import itertools

import numpy as np
import pytest
from scipy import stats

from workbench.metrics import holm, mcnemar, sign_flip


@pytest.mark.parametrize(("a", "b"), [(0, 0), (3, 3), (1, 9), (40, 61), (0, 5), (700, 820), (5000, 5300)])
def test_mcnemar_is_the_binomial_test(a, b):
    expected = 1.0 if a + b == 0 else stats.binomtest(min(a, b), a + b).pvalue
    assert mcnemar(a, b) == mcnemar(b, a) == pytest.approx(expected, rel=1e-8)


def test_few_units_are_tested_exactly():
    parts = np.random.default_rng(0).normal(0.5, 1, 9)
    sums = [abs(np.dot(signs, parts)) for signs in itertools.product((-1, 1), repeat=9)]
    p, exact = sign_flip(parts)
    assert exact
    assert p == pytest.approx(np.mean(np.array(sums) >= abs(parts.sum()) - 1e-12))


def test_equal_contributions_reach_the_smallest_possible_p():
    assert sign_flip(np.full(10, 0.1)) == (2 / 2**10, True)
    assert sign_flip(np.array([0.1] * 10 + [0.0] * 500)) == (2 / 2**10, True)


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
    assert sign_flip(np.ones(60), draws=99) == (0.01, False)
    assert sign_flip(np.zeros(60)) == (1.0, True)
    assert sign_flip(np.zeros(0)) == (1.0, True)


def test_the_random_test_keeps_its_level():
    rng = np.random.default_rng(3)
    p = [sign_flip(rng.normal(size=40), draws=199, seed=k)[0] for k in range(400)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.03)


def test_holm_on_his_scheme():
    # By hand: 0.01 x 4, then max(0.04, 0.02 x 3), max(0.06, 0.03 x 2), max(0.06, 0.9).
    assert holm([0.9, 0.01, 0.03, 0.02]) == pytest.approx([0.9, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_holm_against_its_definition():
    p = np.random.default_rng(0).random(12) ** 3
    for level in (0.01, 0.05, 0.2):
        rejected, remaining = set(), sorted(range(12), key=lambda k: p[k])
        while remaining and p[remaining[0]] <= level / len(remaining):
            rejected.add(remaining.pop(0))
        assert {k for k, value in enumerate(holm(p)) if value <= level} == rejected
