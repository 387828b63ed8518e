"""Reflectance of the table top at points on it."""

import numpy as np
from scipy import ndimage

from benchmarks.robotics.tabletop.scene import Table
from workbench.arrays import FloatArray

_TONES: dict[Table, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "wooden": ((0.42, 0.24, 0.11), (0.22, 0.11, 0.045)),
    "white": ((0.55, 0.54, 0.52), (0.48, 0.475, 0.46)),
    "grey": ((0.20, 0.20, 0.21), (0.14, 0.14, 0.15)),
    "checked": ((0.58, 0.56, 0.52), (0.26, 0.31, 0.37)),
}


class TableTop:
    """A pattern over the plane.

    Args:
        kind: The table.
        seed: Seeds grain and orientation.
    """

    def __init__(self, kind: Table, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._kind = kind
        self._tones = np.array(_TONES[kind], dtype=np.float32)
        self._turn = rng.uniform(0, np.pi)
        self._coarse = rng.standard_normal((64, 64)).astype(np.float32)

    def __call__(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Linear RGB, float32 (n, 3), at points (x, y), metres."""
        cosine, sine = np.cos(self._turn), np.sin(self._turn)
        along, across = cosine * x + sine * y, cosine * y - sine * x
        if self._kind == "wooden":
            rings = 26 * across + 1.1 * self._noise(3 * along, 14 * across)
            share = 0.5 + 0.3 * np.sin(2 * np.pi * rings / 2.4) + 0.2 * self._noise(9 * along, 260 * across)
            share = np.where((across / 0.14) % 1 < 0.02, 0.0, share)  # joints between boards
        elif self._kind == "checked":
            stripes = ((along / 0.05) % 1 < 0.5).astype(np.float32) + ((across / 0.05) % 1 < 0.5)
            share = stripes / 2 + 0.04 * self._noise(300 * along, 300 * across)
        else:
            share = 0.5 + 0.3 * self._noise(12 * along, 12 * across) + 0.25 * self._noise(150 * along, 150 * across)
        share = np.clip(share, 0, 1)[:, None]
        return np.asarray(share * self._tones[0] + (1 - share) * self._tones[1], dtype=np.float32)

    def _noise(self, u: FloatArray, v: FloatArray) -> FloatArray:
        """Bilinear noise with one grid cell a unit, repeated every 64."""
        return np.asarray(ndimage.map_coordinates(self._coarse, [u, v], order=1, mode="grid-wrap"), dtype=np.float32)
