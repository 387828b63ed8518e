import numpy as np
import pytest
from scipy import stats

from workbench.metrics import holm, mcnemar


@pytest.mark.parametrize(("a", "b"), [(0, 0), (3, 3), (1, 9), (40, 61), (0, 5), (700, 820), (5000, 5300)])
def test_mcnemar_is_the_binomial_test(a, b):
    expected = 1.0 if a + b == 0 else stats.binomtest(min(a, b), a + b).pvalue
    assert mcnemar(a, b) == mcnemar(b, a) == pytest.approx(expected, rel=1e-8)


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
