"""Curves of positive against negative against scikit-learn and a loop, and what their bands hold."""

import numpy as np
import pytest
from scipy.special import expit, ndtr, ndtri
from sklearn.metrics import precision_recall_curve, roc_curve

from workbench.metrics.curves import decision_curves, rows_of, treat_all


def planted(n=200, seed=0, decimals=None):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    margins = rng.normal(size=n) + 1.5 * positive - 1
    return (margins if decimals is None else margins.round(decimals)), positive


@pytest.mark.parametrize("decimals", [None, 1])
def test_curves_are_those_of_scikit_learn_and_of_the_definition(decimals):
    margins, positive = planted(decimals=decimals)
    roc, precision, benefit = decision_curves(margins, positive, replicates=50)
    false, recall, _ = roc_curve(positive, margins, drop_intermediate=False)
    for x, value in zip(roc.x, roc.value, strict=True):
        assert value == pytest.approx(recall[false <= x + 1e-9].max())
    values, recalls, _ = precision_recall_curve(positive, margins)
    for x, value in zip(precision.x[1:], precision.value[1:], strict=True):
        # The highest threshold that finds so many.
        assert value == pytest.approx(values[np.flatnonzero(recalls >= x - 1e-9)[-1]])
    for t, value in zip(benefit.x, benefit.value, strict=True):
        treated = expit(margins) >= t
        expected = (treated & positive).mean() - (treated & ~positive).mean() * t / (1 - t)
        assert value == pytest.approx(expected, abs=1e-9)
    assert treat_all(positive)[49] == pytest.approx(2 * positive.mean() - 1)
    assert [row["curve"] for row in rows_of([roc, benefit])] == ["roc"] * 101 + ["net_benefit"] * 99


def test_bands_hold_the_true_curve_at_a_place():
    held = np.zeros(2)
    truth = 1 - ndtr(ndtri(0.8) - 1.5)
    chance = 0.3 * (1 - ndtr(0.0 + 1 - 1.5)) - 0.7 * (1 - ndtr(1.0))
    for seed in range(120):
        roc, _, benefit = decision_curves(*planted(seed=seed), replicates=150)
        held += [roc.low[20] <= truth <= roc.high[20], benefit.low[49] <= chance <= benefit.high[49]]
    assert (held / 120 >= 0.95 - 3.5 * np.sqrt(0.95 * 0.05 / 120)).all(), held / 120


def test_one_kind_alone_has_no_curve():
    assert decision_curves(np.arange(5.0), np.ones(5, bool)) == []
