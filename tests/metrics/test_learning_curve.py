import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.special import ndtri

from workbench.errors import WorkbenchError
from workbench.metrics.learning_curve import FARTHEST, fit_power_law
from workbench.metrics.measured import measure_items

SHOTS = np.array([1.0, 2, 4, 8, 16])


def law(n, a, b, c):
    return a * n**-b + c


def test_the_law_is_that_of_scipy():
    rng = np.random.default_rng(0)
    for a, b, c in ((0.6, 0.5, 0.05), (0.5, 0.8, 0.2), (0.7, 0.3, 0.0)):
        sigma = 0.01 * law(SHOTS, a, b, c)
        errors = law(SHOTS, a, b, c) + 0.3 * sigma * rng.normal(size=5)
        # The least deviation is 1 % of the error; scipy is told the same.
        found = fit_power_law(SHOTS, errors, np.zeros((5, 5)))
        theirs, _ = curve_fit(
            law, SHOTS, errors, p0=(a, b, c), sigma=0.01 * errors, bounds=([0, 0.03, 0], [np.inf, 2, errors.min()])
        )
        assert found.deviation == 0.01
        for images in (1, 3, 16, 64):
            assert found.at(images).value == pytest.approx(law(images, *theirs), rel=0.01)


def test_the_region_holds_the_laws_within_chi_square():
    errors, rng = law(SHOTS, 0.6, 0.5, 0.05), np.random.default_rng(1)
    half = rng.normal(size=(5, 5))
    covariance = 1e-4 * (half @ half.T + np.eye(5))
    found = fit_power_law(SHOTS, errors, covariance)
    inverse = np.linalg.inv(covariance + np.diag((found.deviation * errors) ** 2))

    def chi(a, b, c):
        left = errors - law(SHOTS, a, b, c)
        return left @ inverse @ left

    least = chi(found.scale, found.slope, found.floor)
    assert max(chi(*each) for each in found.region) == pytest.approx(least + 3.8415, abs=0.02)
    # Laws drawn at random that fit as well lie in the band, and come close to its ends.
    drawn = rng.uniform((0.2, 0.05, 0), (1.0, 2, errors.min()), size=(60_000, 3))
    fitting = np.array([each for each in drawn if chi(*each) <= least + 3.84])
    assert len(fitting) > 50
    there, own = law(64.0, *fitting.T), 1.96 * found.deviation * found.at(64).value
    band = found.at(64)
    assert band.low <= there.min() and there.max() <= band.high
    assert band.value - np.hypot(band.value - there.min(), own) == pytest.approx(band.low, abs=0.02)
    assert band.value + np.hypot(band.value - there.max(), own) == pytest.approx(band.high, abs=0.02)


def test_needed_images_are_where_the_band_falls_to_the_error():
    found = fit_power_law(SHOTS, law(SHOTS, 0.6, 0.5, 0.0), 1e-5 * np.eye(5))
    needed = found.images_for(0.1)
    assert needed.value == pytest.approx(36, rel=0.05)
    assert needed.low < needed.value < needed.high
    assert found.at(needed.low).low == pytest.approx(0.1, abs=1e-6)
    assert found.at(needed.high).high == pytest.approx(0.1, abs=1e-6)
    assert found.images_for(0.9).high == 1


def test_what_is_below_the_floor_is_out_of_sight():
    found = fit_power_law(SHOTS, law(SHOTS, 0.5, 1.0, 0.2), 1e-6 * np.eye(5))
    assert np.isinf([*vars(found.images_for(0.05)).values()]).all()
    assert found.images_for(0.21).value < 16 * FARTHEST


def test_curves_that_are_no_law_have_wider_bands():
    smooth = law(SHOTS, 0.6, 0.5, 0.05)
    rough = smooth * np.array([1, 1.15, 0.85, 1.15, 0.9])
    bands = [fit_power_law(SHOTS, errors, 1e-6 * np.eye(5)).at(32) for errors in (smooth, rough)]
    assert bands[1].high - bands[1].low > 3 * (bands[0].high - bands[0].low)


def test_three_points_are_too_few():
    with pytest.raises(WorkbenchError, match="needs 4 numbers of training images; there are 3"):
        fit_power_law(SHOTS[:3], [0.5, 0.4, 0.3], np.eye(3))


def simulated(rng, a, b, c, *, seeds=3, n=300, spread=0.04):
    """Errors of the same test items at each number of shots, some harder than others, and of seeds that differ."""
    hard, good, measured = rng.normal(size=n), rng.normal(size=seeds), []
    for shots in SHOTS:
        error = law(shots, a, b, c)
        of_seed = error * (1 + spread * np.sqrt(0.5) * (good + rng.normal(size=seeds)))
        drawn = 0.7 * hard + np.sqrt(0.51) * rng.normal(size=(seeds, n))
        measured.append(measure_items(drawn < ndtri(of_seed)[:, None], metric="error", replicates=200))
    return [each.value for each in measured], np.cov(np.stack([each.replicates for each in measured]))


@pytest.mark.parametrize("truth", [(0.5, 0.5, 0.0), (0.6, 0.7, 0.1), (0.6, 0.25, 0.0)], ids=str)
def test_bands_hold_the_truth(truth):
    rng, held, widths = np.random.default_rng(0), [], []
    for _ in range(60):
        found = fit_power_law(SHOTS, *simulated(rng, *truth))
        at, needed = found.at(32), found.images_for(law(32, *truth))
        held.append((at.low <= law(32, *truth) <= at.high, needed.low <= 32 <= needed.high))
        widths.append(at.high - at.low)
    # Of 60 bands that hold it at 95 %, fewer than 52 do once in a hundred times.
    assert np.sum(held, axis=0).min() >= 52
    assert np.median(widths) < 0.15
