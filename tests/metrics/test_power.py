import numpy as np
import pytest
from scipy.special import ndtri

from workbench.metrics import mcnemar
from workbench.metrics.power import mcnemar_power, smallest_difference, smallest_differences


def simulated(n, discordance, difference, repeats=4000):
    """How often the test of the package rejects on drawn pairs."""
    rng = np.random.default_rng(0)
    a, b = (discordance + difference) / 2, (discordance - difference) / 2
    drawn = rng.multinomial(n, [a, b, 1 - a - b], size=repeats)
    return np.mean([mcnemar(int(x), int(y)) <= 0.05 for x, y, _ in drawn])


@pytest.mark.parametrize(("n", "discordance"), [(150, 0.2), (400, 0.1), (1000, 0.05), (2000, 0.3)])
def test_at_the_smallest_difference_four_of_five_tests_find_it(n, discordance):
    difference = smallest_difference(n, discordance)
    # Of 4000 tests at 80 % between 78 % and 82 % find it, but for three in a thousand times.
    assert simulated(n, discordance, difference) == pytest.approx(0.8, abs=0.02)
    assert simulated(n, discordance, 0.5 * difference) < 0.5


@pytest.mark.parametrize("difference", [0.0, 0.02, 0.05])
def test_power_is_what_tests_of_drawn_pairs_find(difference):
    assert mcnemar_power(300, 0.1, difference) == pytest.approx(simulated(300, 0.1, difference), abs=0.025)


def test_it_is_near_the_formula_for_large_samples():
    # Connor (Biometrics 1987): n = (z_a sqrt(d) + z_b sqrt(d - e^2))^2 / e^2.
    d = 0.1
    for n in (2000, 8000):
        e = smallest_difference(n, d)
        wanted = (ndtri(0.975) * np.sqrt(d) + ndtri(0.8) * np.sqrt(d - e**2)) ** 2 / e**2
        assert n == pytest.approx(wanted, rel=0.08)


def test_few_images_show_nothing():
    assert smallest_difference(20, 0.1) is None
    assert mcnemar_power(5, 0.5, 0.5) < 0.05
    assert smallest_differences(0) == ()


def test_groups_show_less_the_more_alike_their_images_are():
    single = smallest_differences(400)
    grouped = smallest_differences(400, np.repeat(np.arange(100), 4))
    assert [each.difference for each in single] == [each.difference for each in grouped]
    assert all(each.difference == each.if_alike for each in single)
    assert grouped[2].if_alike == smallest_difference(100, 0.2) > 1.8 * grouped[2].difference
    # 100 groups of which one holds most images are few.
    lopsided = smallest_differences(400, np.r_[np.zeros(301), np.arange(1, 100)])
    assert lopsided[2].if_alike is None
