import math

import numpy as np
import pytest

from benchmarks.botany.leaf_morphology.superformula import Superformula


@pytest.mark.parametrize("m", [1, 4, 7])
def test_exponents_of_two_give_a_circle(m):
    phi = np.linspace(-np.pi, np.pi, 50)
    assert np.allclose(Superformula(m=m, n1=2, n2=2, n3=2)(phi), 1)


def test_equals_the_published_equation_point_by_point():
    m, n1, n2, n3 = 5, 0.7, 1.3, 0.9
    phi = np.random.default_rng(0).uniform(-np.pi, np.pi, 100)
    naive = [(abs(math.cos(m * p / 4)) ** n2 + abs(math.sin(m * p / 4)) ** n3) ** (-1 / n1) for p in phi]
    assert np.allclose(Superformula(m, n1, n2, n3)(phi), naive)


def test_negative_exponent_makes_a_sinus_where_the_cosine_vanishes():
    curve = Superformula(m=2, n1=0.55, n2=-0.4, n3=0.85)
    assert curve(np.array([np.pi]))[0] < 0.01
    assert curve(np.array([np.pi - 0.5]))[0] > 0.1
