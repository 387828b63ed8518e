"""Learning curves: a power law of the error against the number of training images, with what it leaves open.

error(n) = a n^-b + c. Hestness et al. (arXiv 1712.00409) found that shape over four fields; Mahmood et al. (CVPR 2022)
ask with it how many more data are needed, and show that a law that is fitted to few points is too sure of itself. So
what is given is the band of all laws that the measurements do not rule out, not that of the best one.
"""

from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray
from workbench.errors import WorkbenchError
from workbench.metrics.functional import Values

MIN_POINTS = 4
"""Fewer points leave three parameters undetermined."""
FARTHEST = 100.0
"""Needed images are looked for up to so many times the largest number that was measured."""
_SLOPES = np.geomspace(0.03, 2.0, 90)
_FLOORS = 80
_LEAST_DEVIATION = 0.01
_TINY = 1e-12
_STEPS = 60


@dataclass(frozen=True)
class Expected:
    """A number that a learning curve gives, with the ends of its 95 % band.

    Attributes:
        value: Of the most likely law; `inf` where it is never reached.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PowerLaw:
    """All laws a n^-b + c that measurements do not rule out.

    Attributes:
        images: (k,) numbers of training images that were measured, ascending.
        scale: a of the most likely law, at least 0.
        slope: b, 0.03..2.
        floor: c, at least 0: the error that no number of images takes away.
        deviation: Standard deviation of curves about their law, as a share of the error.
        region: (m, 3), (a, b, c) of the laws at the border of the 95 % region.
    """

    images: Values
    scale: float
    slope: float
    floor: float
    deviation: float
    region: Values

    def at(self, images: float) -> Expected:
        """The error to be expected at a number of images."""
        value = self.scale * images**-self.slope + self.floor
        laws = self.region[:, 0] * images ** -self.region[:, 1] + self.region[:, 2]
        own = _quantile() * self.deviation * value
        low, high = (abs(float(end) - value) for end in (laws.min(), laws.max()))
        return Expected(value, max(0.0, value - float(np.hypot(low, own))), value + float(np.hypot(high, own)))

    def images_for(self, error: float) -> Expected:
        """The number of images at which an error is to be expected; the ends are where the band falls to it.

        Args:
            error: At least 0.

        Returns:
            Numbers from 1 on, `inf` for those beyond `FARTHEST` times the largest that was measured.
        """
        return Expected(*(self._first(end, error) for end in ("value", "low", "high")))

    def _first(self, end: str, error: float) -> float:
        """The least number of images at which an end of the band, which falls, is at most `error`."""

        def above(logarithm: float) -> bool:
            return bool(getattr(self.at(float(np.exp(logarithm))), end) > error)

        low, high = 0.0, float(np.log(self.images[-1] * FARTHEST))
        if above(high):
            return float("inf")
        if not above(low):
            return 1.0
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if above(middle) else (low, middle)
        return float(np.exp(high))


def fit_power_law(images: AnyArray, errors: AnyArray, covariance: AnyArray) -> PowerLaw:
    """Fit error(n) = a n^-b + c by generalised least squares, with all laws that the data do not rule out.

    The region is that of the profile likelihood: laws whose chi-square is at most 3.84 above the least, so that floors
    which a few points cannot tell from 0 are in it. Real curves are no exact power laws; how far they lie from one is
    estimated as the variance between studies is in meta-analysis (Paule and Mandel, Journal of Research of the NBS
    1982): it is that at which the least chi-square is its degrees of freedom, and at least 1 % of the error.

    Args:
        images: (k,) different numbers of training images, ascending, above 0.
        errors: (k,) errors, of which 0 is the best.
        covariance: (k, k), of the errors over test items and seeds, drawn together.

    Raises:
        WorkbenchError: There are fewer than `MIN_POINTS` numbers of images.
    """
    x, y = np.asarray(images, np.float64), np.asarray(errors, np.float64)
    if len(x) < MIN_POINTS:
        raise WorkbenchError(f"a learning curve needs {MIN_POINTS} numbers of training images; there are {len(x)}.")
    known = np.asarray(covariance, np.float64)
    deviation = _deviation(x, y, known)
    scales, chi, curvature = _profile(x, y, _total(known, y, deviation))
    b, c = np.meshgrid(_SLOPES, _floors(y), indexing="ij")
    spare = chi.min() + _quantile() ** 2 - chi
    inside = spare >= 0
    reach = np.sqrt(spare[inside] / curvature[inside])
    ends = [np.maximum(scales[inside] + sign * reach, 0.0) for sign in (-1, 1)]
    region = np.concatenate([np.stack([end, b[inside], c[inside]], axis=1) for end in ends])
    best = np.unravel_index(np.argmin(chi), chi.shape)
    scale, slope, floor = _polished(x, y, _total(known, y, deviation), (scales[best], b[best], c[best]))
    return PowerLaw(x, scale, slope, floor, deviation, region)


def _polished(x: Values, y: Values, total: Values, law: tuple[float, float, float]) -> tuple[float, float, float]:
    """The best law near one of the grid's."""
    from scipy.optimize import least_squares

    whitening = np.linalg.inv(np.linalg.cholesky(total))
    ends = (0.0, _SLOPES[0], 0.0), (np.inf, _SLOPES[-1], float(y.min()) + _TINY)
    start = np.clip(law, *ends)
    found = least_squares(lambda p: whitening @ (y - p[0] * x ** -p[1] - p[2]), start, bounds=ends, x_scale="jac")
    return float(found.x[0]), float(found.x[1]), float(found.x[2])


def _floors(y: Values) -> Values:
    return np.linspace(0.0, float(y.min()), _FLOORS)


def _total(covariance: Values, y: Values, deviation: float) -> Values:
    return np.asarray(covariance + np.diag((deviation * y) ** 2 + _TINY))


def _profile(x: Values, y: Values, total: Values) -> tuple[Values, Values, Values]:
    """The best scale for each slope and floor, its chi-square, and how chi-square curves with the scale."""
    weights = np.linalg.inv(total)
    shapes = x[None, :] ** -_SLOPES[:, None]
    left = y[None, :] - _floors(y)[:, None]
    curvature = np.einsum("sk,kl,sl->s", shapes, weights, shapes)[:, None]
    product = np.einsum("sk,kl,fl->sf", shapes, weights, left)
    scales = np.maximum(product / curvature, 0.0)
    constant = np.einsum("fk,kl,fl->f", left, weights, left)[None, :]
    chi = constant - 2 * scales * product + scales**2 * curvature
    return scales, chi, np.broadcast_to(curvature, chi.shape)


def _deviation(x: Values, y: Values, covariance: Values) -> float:
    low, high, wanted = _LEAST_DEVIATION, 1.0, float(len(x) - 3)

    def least(deviation: float) -> float:
        return float(_profile(x, y, _total(covariance, y, deviation))[1].min())

    if least(low) <= wanted:
        return low
    for _ in range(20):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if least(middle) > wanted else (low, middle)
    return high


def _quantile() -> float:
    from scipy.special import ndtri

    return float(ndtri(0.975))
