"""Differences between scans of the same head: position, field of view, window and level, coil shading, noise."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from workbench.arrays import AnyArray, FloatArray


@dataclass(frozen=True)
class Acquisition:
    """One draw of scanner and viewer settings.

    Attributes:
        angle: In-plane head tilt, degrees.
        zoom: Pixels per millimetre, relative to a field of view of 220 mm.
        shift: Down and right, share of the image.
        blur: Standard deviation of the point spread, pixels.
        level: Centre of the grey-scale window, share of the map's maximum.
        width: Width of the window, likewise.
        shading: Strength of the receive coil's linear shading, and its direction in radians.
        noise: Standard deviation of each channel of the complex noise, share of the map's maximum.
    """

    angle: float
    zoom: float
    shift: tuple[float, float]
    blur: float
    level: float
    width: float
    shading: tuple[float, float]
    noise: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Acquisition":
        """Draw settings within the range of practice."""
        return cls(
            angle=rng.normal(0, 5),
            zoom=rng.uniform(0.9, 1.2),
            shift=(rng.normal(0, 0.025), rng.normal(0, 0.025)),
            blur=rng.uniform(0.2, 1.1),
            level=rng.uniform(0.4, 0.6),
            width=rng.uniform(0.75, 1.25),
            shading=(rng.uniform(0, 0.45), rng.uniform(0, 2 * np.pi)),
            noise=rng.uniform(0.01, 0.09),
        )


_FIELD_OF_VIEW = 220.0


def acquire(cut: FloatArray, settings: Acquisition, size: int, rng: np.random.Generator) -> AnyArray:
    """Image a slice.

    Args:
        cut: (height, width), 1 mm pixels, values 0..1.
        settings: Scanner and viewer.
        size: Edge of the square image.
        rng: Draws the noise.

    Returns:
        uint8 (size, size).
    """
    step = _FIELD_OF_VIEW / (size * settings.zoom)
    angle = np.deg2rad(settings.angle)
    turn = step * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = (np.array(cut.shape) - 1) / 2
    middle = (size - 1) / 2 + size * np.array(settings.shift)
    image = ndimage.affine_transform(cut, turn, centre - turn @ middle, (size, size), order=1)
    image = ndimage.gaussian_filter(image, settings.blur)
    strength, direction = settings.shading
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    image = image * (1 + strength * (rows * np.sin(direction) + columns * np.cos(direction)))
    # The magnitude of a complex signal has Rician noise (Gudbjartsson and Patz, 1995).
    real, imaginary = rng.normal(0, settings.noise, (2, size, size))
    image = np.hypot(image + real, imaginary)
    shown = (image - settings.level) / settings.width + 0.5
    return np.asarray(np.rint(255 * np.clip(shown, 0, 1)), dtype=np.uint8)
