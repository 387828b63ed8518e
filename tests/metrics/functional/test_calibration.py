import numpy as np
import pytest

from workbench.metrics import functional as F
from workbench.metrics.functional.calibration import _folded_normal_mean


def calibrated(n, seed=0, bias=0.0):
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.3, 1, n)
    return confidence, rng.random(n) < np.clip(confidence - bias, 0, 1)


def naive_ece(confidence, outcome, bins):
    members = F.equal_mass_bins(confidence, bins)
    total = 0.0
    for k in np.unique(members):
        inside = members == k
        total += inside.mean() * abs(outcome[inside].mean() - confidence[inside].mean())
    return total


def test_plain_error_agrees_with_a_naive_loop_under_weights():
    confidence, outcome = calibrated(300)
    sums = F.BinSums(confidence, outcome, 10)
    assert F.calibration_error(*sums(F.ones(300)), debias=False)[0] == pytest.approx(naive_ece(confidence, outcome, 10))
    repeat = np.random.default_rng(1).integers(0, 3, 300)
    members = np.repeat(F.equal_mass_bins(confidence, 10), repeat)
    c, o = np.repeat(confidence, repeat), np.repeat(outcome, repeat)
    expected = sum((members == k).mean() * abs(o[members == k].mean() - c[members == k].mean()) for k in range(10))
    found = F.calibration_error(*sums(repeat[None].astype(np.float32)), debias=False)[0]
    assert found == pytest.approx(expected)


def test_debiasing_agrees_with_simulated_labels():
    confidence, outcome = calibrated(400, bias=0.05)
    count, total, hits = (part[0] for part in F.BinSums(confidence, outcome)(F.ones(400)))
    rng = np.random.default_rng(2)
    accuracy = hits / count
    simulated = rng.normal(accuracy, np.sqrt(accuracy * (1 - accuracy) / count), size=(100_000, len(count)))
    share, mean = count / 400, total / count
    plain = (share * abs(accuracy - mean)).sum()
    expected = 2 * plain - (share * abs(simulated - mean)).sum(axis=1).mean()
    found = F.calibration_error(count[None], total[None], hits[None])[0]
    assert found == pytest.approx(expected, abs=3e-4)


def biases(truth):
    plain, debiased = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        confidence = rng.uniform(0.4, 0.8, 300)
        sums = F.BinSums(confidence, rng.random(300) < confidence - truth)(F.ones(300))
        plain.append(F.calibration_error(*sums, debias=False)[0] - truth)
        debiased.append(F.calibration_error(*sums)[0] - truth)
    return np.mean(plain), np.mean(debiased)


def test_debiasing_of_a_calibrated_classifier_leaves_the_stated_share_of_the_bias():
    plain, debiased = biases(truth=0)
    assert debiased / plain == pytest.approx(2 - 2**0.5, abs=0.03)


@pytest.mark.parametrize("truth", [0.05, 0.1])
def test_debiasing_removes_most_of_the_bias_of_a_miscalibrated_one(truth):
    plain, debiased = biases(truth)
    assert abs(debiased) < 0.4 * plain


def test_the_folded_normal_mean_agrees_with_scipy():
    from scipy.stats import foldnorm

    mean, spread = np.array([-0.3, 0.0, 0.1, 2.0]), np.array([0.2, 0.5, 0.03, 0.1])
    expected = foldnorm.mean(np.abs(mean) / spread, scale=spread)
    np.testing.assert_allclose(_folded_normal_mean(mean, spread), expected, rtol=1e-6)
    np.testing.assert_array_equal(_folded_normal_mean(np.array([-0.3, 0.0]), np.zeros(2)), [0.3, 0])


def test_bins_hold_equally_many_and_equal_values_share_one():
    members = F.equal_mass_bins(np.random.default_rng(0).random(150), 15)
    np.testing.assert_array_equal(np.bincount(members), np.full(15, 10))
    assert set(F.equal_mass_bins(np.full(500, 0.4), 15)) == {0}
    two = np.repeat([0.2, 0.7], 50)
    np.testing.assert_array_equal(F.equal_mass_bins(two, 15), np.repeat([0, 1], 50))


@pytest.mark.parametrize(("n", "bins"), [(1, 1), (9, 1), (25, 2), (1000, 15)])
def test_small_samples_get_fewer_bins(n, bins):
    assert F.equal_mass_bins(np.linspace(0, 1, n)).max() + 1 == bins


def test_the_curve_holds_every_decision_and_its_wilson_interval():
    from scipy.stats import binomtest

    confidence, outcome = calibrated(600)
    curve = F.calibration_curve(confidence.reshape(300, 2), outcome.reshape(300, 2))
    assert curve.count.sum() == 600
    assert (np.diff(curve.confidence) > 0).all()
    hits = np.rint(curve.accuracy * curve.count)
    expected = [
        binomtest(int(k), int(n)).proportion_ci(method="wilson") for k, n in zip(hits, curve.count, strict=True)
    ]
    assert curve.low == pytest.approx([interval.low for interval in expected])
    assert curve.high == pytest.approx([interval.high for interval in expected])


@pytest.mark.parametrize("outcome", [True, False])
def test_the_interval_of_a_bin_without_misses_or_hits_is_closed_at_its_end(outcome):
    from scipy.stats import binomtest

    curve = F.calibration_curve(np.full(7, 0.5), np.full(7, outcome))
    expected = binomtest(7 * outcome, 7).proportion_ci(method="wilson")
    assert (curve.low[0], curve.high[0]) == pytest.approx((expected.low, expected.high), abs=1e-12)
