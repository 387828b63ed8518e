"""Leaf outlines from the Gielis superformula, and the margins that are cut into them.

Gielis, "A generic geometric transformation that unifies a wide range of natural and abstract shapes", American Journal
of Botany 90(3), 2003, equation 3; with m = 1 and equal exponents it draws simple leaves (Shi et al., 2015).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

SHAPES = ("ovate", "lanceolate", "cordate", "orbicular", "obovate", "palmately lobed")
MARGINS = ("entire", "serrate", "crenate")
_STEPS = 720


@dataclass(frozen=True)
class Blade:
    """A leaf blade.

    Attributes:
        points: (n, 2) closed outline; the base is near (0, 0), the tip near (0, 1).
        lobes: Tips of lobes, (k, 2); the tip alone where the blade is simple.
    """

    points: Points
    lobes: Points


def superformula(angle: Points, m: float, n1: float, n2: float, n3: float) -> Points:
    """Radius at each angle in radians, with a = b = 1."""
    inner = np.abs(np.cos(m * angle / 4)) ** n2 + np.abs(np.sin(m * angle / 4)) ** n3
    radius: Points = inner ** (-1 / n1)
    return radius


def draw_blade(shape: str, margin: str, rng: np.random.Generator) -> Blade:
    """The outline of a leaf.

    Args:
        shape: One of `SHAPES`.
        margin: One of `MARGINS`.
        rng: Varies proportions, teeth and symmetry a little.
    """
    angle = np.linspace(0, 2 * np.pi, _STEPS, endpoint=False)  # 0 is the tip, pi the base
    radius, width = _radius(shape, angle, rng)
    x, y = radius * np.sin(angle), radius * np.cos(angle)
    low, high = y.min(), y.max()
    base = float(y[len(y) // 2]) if shape in {"cordate", "palmately lobed"} else low
    y = (y - base) / (high - base)
    x = x / (x.max() - x.min()) * width
    bend = rng.normal(0, 0.04)
    points = np.stack([x + bend * y**2, y], axis=1)
    lobes = _lobe_tips(points) if shape == "palmately lobed" else points[:1]
    return Blade(_cut_margin(points, margin, rng), lobes)


def _radius(shape: str, angle: Points, rng: np.random.Generator) -> tuple[Points, float]:
    """Radius over angle, and the blade's width as a share of its length."""
    vary = rng.uniform
    if shape == "lanceolate":
        return superformula(angle, 1, vary(0.07, 0.1), 1, 1), vary(0.2, 0.28)
    if shape in {"ovate", "obovate"}:
        egg = superformula(angle, 1, vary(0.3, 0.42), 1, 1)
        turned = np.roll(egg, _STEPS // 2)  # The pointed end of the superformula's egg is its tip.
        return (egg if shape == "ovate" else turned), vary(0.55, 0.68)
    if shape == "orbicular":
        return superformula(angle, 2, vary(1.8, 2.6), 2, 2), vary(0.93, 1.08)
    if shape == "cordate":
        from_base = np.abs(angle - np.pi)
        notch = 1 - vary(0.68, 0.78) * np.exp(-((from_base / vary(0.42, 0.5)) ** 2))
        point = 1 + vary(0.25, 0.4) * np.exp(-((np.minimum(angle, 2 * np.pi - angle) / 0.3) ** 2))
        return superformula(angle, 2, 2, 2, 2) * notch * point, vary(0.85, 1.0)
    lobes = int(rng.choice([5, 7]))
    star = superformula(angle, lobes, vary(0.9, 1.4), vary(1.8, 2.4), vary(1.8, 2.4))
    cut = (star - star.min()) / (star.max() - star.min())
    # A palmate leaf has no lobe where the stalk joins, and its lower lobes are shorter.
    envelope = 1 - 0.45 * np.exp(-(((np.abs(angle - np.pi)) / 0.7) ** 2))
    return (vary(0.38, 0.48) + 0.6 * _as_lobes(angle, lobes, cut)) * envelope, vary(0.95, 1.15)


def _as_lobes(angle: Points, lobes: int, cut: Points) -> Points:
    """Pointed lobes with one of them at the tip."""
    wave = np.abs(np.cos(lobes * angle / 2)) ** 1.3
    found: Points = 0.75 * wave + 0.25 * cut
    return found


def _lobe_tips(points: Points) -> Points:
    distance = np.hypot(points[:, 0], points[:, 1])
    peaks = (distance > np.roll(distance, 1)) & (distance >= np.roll(distance, -1)) & (distance > 0.5 * distance.max())
    return points[peaks]


def _cut_margin(points: Points, margin: str, rng: np.random.Generator) -> Points:
    """Teeth along the outline, by arc length: pointed towards the tip (serrate) or rounded (crenate)."""
    if margin == "entire":
        return points
    forward = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    length = np.hypot(forward[:, 0], forward[:, 1])
    normal = np.stack([-forward[:, 1], forward[:, 0]], axis=1) / length[:, None]
    arc = np.cumsum(length) / 2
    teeth = round(float(rng.uniform(36, 52)))
    phase = (arc / arc[-1] * teeth) % 1.0
    right = np.arange(len(points)) < len(points) // 2  # From tip to base on one side, from base to tip on the other.
    if margin == "serrate":
        height = np.where(right, phase, 1 - phase)
        depth = rng.uniform(0.035, 0.05)
    else:
        height = np.sqrt(np.abs(np.sin(np.pi * phase)))
        depth = rng.uniform(0.03, 0.042)
    return points + normal * (depth * height)[:, None]
