"""Intervals have width where percentiles have none, and count groups by what they weigh."""

import numpy as np
import pytest
from scipy import stats

from workbench.metrics import classification_metrics, measure_items, quantity_named
from workbench.metrics.intervals import Units, degrees_of_freedom, difference_interval, effective_number, interval


def right(n, wrong=0, c=3):
    labels = np.arange(n) % c
    scores = 5 * np.eye(c)[labels]
    scores[:wrong] = np.roll(scores[:wrong], 1, axis=1)
    return scores, labels


@pytest.mark.parametrize("wrong", [0, 1, 5, 30])
def test_a_share_has_the_interval_of_clopper_and_pearson(wrong):
    found = classification_metrics(*right(30, wrong), replicates=50)["accuracy"]
    expected = stats.binomtest(30 - wrong, 30).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "macro_f1", "auroc", "average_precision"])
def test_thirty_right_of_thirty_leaves_room(metric):
    found = classification_metrics(*right(30), replicates=50)[metric]
    assert found.value == 1
    assert found.low == pytest.approx(0.025 ** (1 / 30))
    rare = classification_metrics(5 * np.eye(3)[np.r_[np.zeros(26), 1, 1, 2, 2].astype(int)],
                                  np.r_[np.zeros(26), 1, 1, 2, 2].astype(int), replicates=50)[metric]  # fmt: skip
    if metric != "accuracy":  # A mean over classes rests on the rare ones: 9 / (1/26 + 1/2 + 1/2) items.
        assert rare.low == pytest.approx(0.025 ** ((1 / 26 + 1) / 9))


def test_groups_that_are_all_right_count_by_their_effective_number():
    groups = np.repeat(np.arange(12), [40, 20, *[2] * 10])
    found = measure_items(np.ones(80), groups, metric="accuracy", replicates=50).estimate()
    number = 80**2 / (40**2 + 20**2 + 10 * 2**2)
    assert effective_number(np.bincount(groups)) == pytest.approx(number)
    assert (found.low, found.high) == pytest.approx((0.025 ** (1 / number), 1.0))
    assert not found.reliable


def test_forty_groups_of_which_few_weigh_are_unreliable():
    sizes = np.r_[[300, 200, 100], np.ones(37, int)]
    groups = np.repeat(np.arange(40), sizes)
    values = np.random.default_rng(0).random(len(groups)) < 0.8
    assert not measure_items(values, groups, metric="accuracy", replicates=20).estimate().reliable
    assert measure_items(values, np.arange(len(groups)) % 40, metric="accuracy", replicates=20).estimate().reliable


def test_clustered_hits_widen_the_interval_by_their_design_effect():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(60), 10)
    values = np.repeat(rng.random(60) < 0.7, 10)  # ten equal answers in a group are one
    found = measure_items(values, groups, metric="accuracy", replicates=2000).estimate()
    expected = stats.binomtest(int(values[::10].sum()), 60).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_degrees_of_freedom_follow_the_groups_that_vary():
    rng = np.random.default_rng(2)
    many = degrees_of_freedom(rng.normal(size=4000), np.repeat(np.arange(400), 10))
    assert many == pytest.approx(399, rel=0.3)
    rare = np.ones(400)
    rare[:40] = 0  # four groups of ten
    assert degrees_of_freedom(rare, np.repeat(np.arange(40), 10)) < 15
    assert degrees_of_freedom(np.ones(400), np.repeat(np.arange(40), 10)) == 39


def test_few_units_have_wider_percentiles():
    draws = np.random.default_rng(3).normal(size=20_000)
    few, many = (interval(quantity_named("nll"), 0.0, draws, Units(n, None, float(n))) for n in (10, 10_000))
    assert many == pytest.approx((-1.96, 1.96), abs=0.06)
    assert few[1] == pytest.approx(np.sqrt(10 / 9) * stats.t.ppf(0.975, 9), abs=0.1)


def test_what_is_no_share_keeps_values_beyond_it():
    draws = np.array([-0.4, -0.3, -0.2])
    assert interval(quantity_named("kappa"), -0.3, draws, Units(30, None, 30.0)) == pytest.approx(
        (-0.4, -0.2), abs=0.01
    )
    assert difference_interval(quantity_named("nll"), 0.0, np.zeros(9), Units(30, None, 30.0)) == (0, 0)


def test_undefined_resamples_are_left_out():
    units = Units(30, None, 30.0)
    assert interval(quantity_named("auroc"), 0.7, np.full(5, np.nan), units) == (0.7, 0.7)
    assert difference_interval(quantity_named("auroc"), 0.1, np.full(5, np.nan), units) == (0.1, 0.1)
