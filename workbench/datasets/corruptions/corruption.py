"""A corruption of images, at five strengths."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray

SEVERITIES = (1, 2, 3, 4, 5)
_EDGE = 224  # The lengths of ImageNet-C are for images of this edge.

Strength = float | tuple[float, ...]
Apply = Callable[[FloatArray, Any, np.random.Generator], FloatArray]


@dataclass(frozen=True)
class Corruption:
    """One way in which images are spoilt.

    Attributes:
        name: One of `names.NAMES`.
        strengths: What severity 1 to 5 means to `apply`.
        apply: From pixels, float32 (h, w, 3) of 0..1, a strength and a generator to pixels, which are
            clipped to 0..1.
    """

    name: str
    strengths: tuple[Strength, Strength, Strength, Strength, Strength]
    apply: Apply

    def __call__(self, pixels: AnyArray, severity: int, rng: np.random.Generator) -> AnyArray:
        """Corrupt an image.

        Args:
            pixels: uint8 (h, w, 3).
            severity: 1 to 5.
            rng: Draws what is random in it.

        Returns:
            uint8 (h, w, 3).
        """
        values = np.asarray(pixels, dtype=np.float32) / np.float32(255)
        spoilt = self.apply(values, self.strengths[severity - 1], rng)
        return np.asarray(np.rint(np.clip(spoilt, 0, 1) * 255), dtype=np.uint8)


def scale_of(pixels: AnyArray) -> float:
    """The shorter edge in units of 224 pixels: lengths grow with it, so that large images are spoilt as much."""
    return float(min(pixels.shape[:2]) / _EDGE)
