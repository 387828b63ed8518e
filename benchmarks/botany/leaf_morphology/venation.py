"""Veins: a midrib with secondaries, or primaries that spread from the base."""

from dataclasses import dataclass

import numpy as np

from benchmarks.botany.leaf_morphology.outline import lobe_angles
from benchmarks.botany.leaf_morphology.traits import Specimen
from workbench.arrays import AnyArray


@dataclass(frozen=True)
class Vein:
    """A vein in leaf coordinates.

    Attributes:
        points: (n, 2), from its origin to beyond the margin; drawing clips it to the blade.
        order: 1 for the midrib and other primaries, 2 for secondaries, 3 for their branches.
    """

    points: AnyArray
    order: int


def veins(specimen: Specimen) -> list[Vein]:
    """All veins of a leaf."""
    midrib = Vein(np.array([[0.0, 0.0], [0.0, 1.0]]), 1)
    if specimen.shape == "palmately lobed":
        return _palmate(lobe_angles(specimen))
    if specimen.shape == "cordate":
        upper = [vein for y in _heights(specimen.veins - 2, first=0.25) for vein in _pair(y, rise=0.75, curve=0.25)]
        return [midrib, *_palmate(np.array([0, 0.55, 1.25, 2.1]), branches=False)[1:], *upper]
    if specimen.shape == "pinnately lobed":
        # A vein for each lobe, which leans toward the tip as the lobe does.
        heights = (np.arange(specimen.lobes) + 0.3) / (specimen.lobes + 0.5)
        return [midrib, *(vein for y in heights for vein in _pair(y, rise=0.35 + 0.3 * (1 - y), curve=0.0))]
    rise, curve = (1.6, 1.2) if specimen.shape == "lanceolate" else (0.8, 0.35)
    secondaries = [v for y in _heights(specimen.veins, first=0.06) for v in _pair(y, rise, curve)]
    return [midrib, *secondaries, *(branch for vein in secondaries for branch in _branches(vein))]


def _heights(count: int, first: float) -> AnyArray:
    """Heights at which secondaries leave the midrib; closer together toward the tip."""
    return first + (0.9 - first) * np.linspace(0, 1, count, endpoint=False) ** 0.9


def _pair(y: float, rise: float, curve: float) -> list[Vein]:
    x = np.linspace(0, 0.6, 40)
    points = np.stack([x, y + rise * x + curve * x**2], axis=1)
    return [Vein(points, 2), Vein(points * [-1, 1], 2)]


def _branches(vein: Vein) -> list[Vein]:
    """Short tertiaries that leave a secondary on its upper side."""
    side = np.sign(vein.points[-1, 0])
    branches = []
    for start in vein.points[4:26:5]:
        reach = np.linspace(0, 0.09, 8)[:, None]
        branches.append(Vein(start + reach * [0.35 * side, 1.0], 3))
    return branches


def _palmate(angles: AnyArray, *, branches: bool = True) -> list[Vein]:
    """A primary for each angle, and with `branches` secondaries off each of them."""
    palmate_veins = []
    for angle in angles:
        for side in (1, -1) if angle else (1,):
            axis = np.array([side * np.sin(angle), np.cos(angle)])
            palmate_veins.append(Vein(np.linspace(0, 1.05, 30)[:, None] * axis, 1))
            across = np.array([axis[1], -axis[0]])
            for at in np.linspace(0.25, 0.8, 5) if branches else ():
                for turn in (1, -1):
                    reach = np.linspace(0, 0.2, 10)[:, None]
                    palmate_veins.append(Vein(at * axis + reach * (0.8 * axis + turn * across), 3))
    return palmate_veins
