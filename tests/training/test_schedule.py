import math

import pytest

from workbench.training import warmup_cosine


def test_rises_linearly_then_falls_along_half_a_cosine():
    values = [warmup_cosine(step, 100, 0.2) for step in range(101)]
    assert values[:20] == pytest.approx([(step + 1) / 21 for step in range(20)])
    assert values[20:] == pytest.approx([(1 + math.cos(math.pi * step / 80)) / 2 for step in range(81)])


def test_without_warmup_it_starts_at_the_peak():
    assert warmup_cosine(0, 10) == 1
    assert warmup_cosine(10, 10) == pytest.approx(0)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.9])
def test_no_step_of_a_short_run_is_wasted(steps, warmup):
    assert all(0 < warmup_cosine(step, steps, warmup) <= 1 for step in range(steps))
