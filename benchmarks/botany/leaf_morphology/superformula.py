"""The superformula: one polar equation for the outlines of leaves and much else.

J. Gielis, "A generic geometric transformation that unifies a wide range of natural and abstract shapes", American
Journal of Botany 90(3), 2003.
"""

from dataclasses import dataclass

import numpy as np

from workbench.arrays import AnyArray


@dataclass(frozen=True)
class Superformula:
    """r(phi) = (|cos(m phi / 4)|^n2 + |sin(m phi / 4)|^n3)^(-1 / n1), with a = b = 1.

    Attributes:
        m: Rotational symmetry; 1 gives a pole opposite a tip, m > 2 that many lobes.
        n1: The smaller, the sharper and deeper the shape.
        n2: Exponent of the cosine; negative values make a sinus where the cosine vanishes.
        n3: Exponent of the sine; 1 gives pointed tips, 2 rounded ones.
    """

    m: float
    n1: float
    n2: float
    n3: float

    def __call__(self, phi: AnyArray) -> AnyArray:
        """The radius at polar angles `phi` (radians), float64 of the same shape."""
        cosine = np.maximum(np.abs(np.cos(self.m * phi / 4)), 1e-9)
        sine = np.maximum(np.abs(np.sin(self.m * phi / 4)), 1e-9)
        return np.asarray((cosine**self.n2 + sine**self.n3) ** (-1 / self.n1))
