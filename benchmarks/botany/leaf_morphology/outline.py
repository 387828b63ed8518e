"""The blade's outline: superformula, then the margin's teeth along it.

Leaf coordinates: the stalk meets the blade at (0, 0), the midrib runs up the y axis to the tip at (0, 1).
"""

import numpy as np

from benchmarks.botany.leaf_morphology.superformula import Superformula
from benchmarks.botany.leaf_morphology.traits import Margin, Specimen
from workbench.arrays import AnyArray

_POINTS = 1200


def outline(specimen: Specimen, width: float = 1.0) -> AnyArray:
    """The margin as a closed polygon from the base up the right side to the tip and down the left.

    Args:
        specimen: The plant.
        width: Of this leaf, relative to its plant's.

    Returns:
        float64 (n, 2), n even; the tip is at row n / 2.
    """
    right = _half(specimen)
    right[:, 0] *= width
    right = with_margin(_evenly(right), specimen.margin, specimen.teeth, specimen.tooth_depth)
    return np.concatenate([right, right[-2:0:-1] * [-1, 1]])


def lobe_angles(specimen: Specimen) -> AnyArray:
    """Angles of a palmate leaf's lobes from the midrib, radians, right half, the middle one first."""
    return 2 * np.pi * np.arange(specimen.lobes // 2 + 1) / specimen.lobes


def _half(specimen: Specimen) -> AnyArray:
    """The right half without teeth, base to tip."""
    angle = np.linspace(np.pi, 0, _POINTS)
    sharp = specimen.sharpness
    shape = specimen.shape
    if shape == "cordate":
        radius = Superformula(m=2, n1=0.55 + 0.08 * sharp, n2=-0.38 - 0.08 * sharp, n3=0.85)(angle)
        return _scaled(_polar(radius, angle), length=1, ratio=1.15 * specimen.elongation, at_base=True)
    if shape == "palmately lobed":
        return _scaled(_polar(_palmate_radius(specimen, angle), angle), length=1, ratio=None, at_base=True)
    if shape == "pinnately lobed":
        blade = _upside_down(_simple(n1=0.27 + 0.03 * sharp, ratio=1.35 * specimen.elongation))
        return _pinnate_lobes(blade, specimen)
    ratio = {"lanceolate": 4.0, "ovate": 1.5, "obovate": 1.75}[shape] * specimen.elongation
    blade = _simple(n1=(0.105 if shape == "lanceolate" else 0.135) + 0.015 * sharp, ratio=ratio)
    if shape == "obovate":
        return _upside_down(blade)
    return blade


def _palmate_radius(specimen: Specimen, angle: AnyArray) -> AnyArray:
    """Lobes times a taper toward the base, with a sinus at the stalk."""
    m, sharp = specimen.lobes, specimen.sharpness
    if sharp > 0:  # Pointed lobes between round sinuses, as a maple has.
        lobes = Superformula(m=m, n1=0.5 - 0.12 * sharp, n2=1.3, n3=1.3)(angle)
    else:  # Round lobes between sharp sinuses, as a fig has: the same family turned inside out.
        lobes = Superformula(m=m, n1=-0.75 - 0.2 * sharp, n2=1, n3=1)(angle + np.pi / m)
    return np.asarray(lobes * Superformula(m=1, n1=0.85, n2=1, n3=1)(angle) * np.abs(np.cos(angle / 2)) ** 0.2)


def _upside_down(blade: AnyArray) -> AnyArray:
    """Widest above the middle: the blade attached at its tip."""
    return np.asarray((blade * [1, -1] + [0, 1])[::-1])


def _simple(n1: float, ratio: float) -> AnyArray:
    """An undivided blade: m = 1, widest below the middle, the nearer to it the larger n1."""
    angle = np.linspace(np.pi, 0, _POINTS)
    return _scaled(_polar(Superformula(m=1, n1=n1, n2=1, n3=1)(angle), angle), length=1, ratio=ratio, at_base=False)


def _polar(radius: AnyArray, angle: AnyArray) -> AnyArray:
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def _scaled(half: AnyArray, length: float, ratio: float | None, *, at_base: bool) -> AnyArray:
    """Scale to a length, and to a length-width ratio where one is given.

    Args:
        half: Right half.
        length: From attachment to tip.
        ratio: Length by full width; None keeps the outline's own.
        at_base: The attachment is the origin (the lobes of a heart lie behind it), else the lowest point.
    """
    moved = half if at_base else half - [0, half[0, 1]]
    moved = moved * (length / moved[-1, 1])
    if ratio is not None:
        moved = moved * [length / (2 * ratio * moved[:, 0].max()), 1]
    return np.asarray(moved)


def _pinnate_lobes(blade: AnyArray, specimen: Specimen) -> AnyArray:
    """Draw sinuses toward the midrib; the lobes between them lean toward the tip, as an oak's do."""
    pairs, depth = specimen.lobes, 0.6 + 0.1 * specimen.sharpness
    # Half a period more than there are pairs, so that the last lobe ends the leaf.
    wave = Superformula(m=2 * pairs + 1, n1=1.6, n2=4, n3=4)(np.pi * blade[:, 1])
    wave = ((wave - wave.min()) / (wave.max() - wave.min())) ** 0.6
    x = blade[:, 0] * (1 - depth * (1 - wave))
    y = blade[:, 1] + 0.3 * x * (1 - blade[:, 1])
    return np.stack([x, y], axis=1)


def _evenly(half: AnyArray) -> AnyArray:
    """The same curve at points of equal distance."""
    step = np.hypot(*np.diff(half, axis=0).T)
    along = np.concatenate([[0], np.cumsum(step)])
    at = np.linspace(0, along[-1], _POINTS)
    return np.stack([np.interp(at, along, half[:, 0]), np.interp(at, along, half[:, 1])], axis=1)


def with_margin(half: AnyArray, margin: Margin, teeth: int, depth: float) -> AnyArray:
    """Set teeth on the right half of an outline.

    Args:
        half: (n, 2) at equal distances, base to tip.
        margin: `serrate` teeth point to the tip, `dentate` ones outward, `crenate` ones are rounded.
        teeth: Their number.
        depth: Their height.

    Returns:
        (n, 2); the ends stay where they are.
    """
    if margin == "entire":
        return half
    along = np.linspace(0, 1, len(half))
    phase = (along * teeth) % 1
    tangent = np.gradient(half, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-12)[:, None]
    normal = tangent[:, ::-1] * [1, -1]
    rise = {
        "serrate": np.where(phase < 0.85, phase / 0.85, (1 - phase) / 0.15),
        "dentate": 1 - np.abs(2 * phase - 1),
        "crenate": np.sqrt(np.maximum(0, 1 - (2 * phase - 1) ** 2)),
    }[margin]
    height = (depth * rise * np.clip(12 * np.minimum(along, 1 - along), 0, 1))[:, None]
    lean = 0.9 if margin == "serrate" else 0.0
    return np.asarray(half + height * (normal + lean * tangent))
