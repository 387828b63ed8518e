"""Blur, with the strengths of ImageNet-C; lengths are for an edge of 224 pixels."""

import numpy as np
from scipy import ndimage, signal

from workbench.arrays import AnyArray, FloatArray
from workbench.datasets.corruptions.corruption import Corruption, scale_of


def gaussian_blurred(pixels: FloatArray, deviation: float) -> FloatArray:
    """Blurred in the plane; `deviation` is in pixels."""
    return np.asarray(ndimage.gaussian_filter(pixels, (deviation, deviation, 0), mode="nearest"), dtype=np.float32)


def motion_blurred(pixels: AnyArray, radius: float, deviation: float, angle: float) -> FloatArray:
    """A trail on one side of each pixel, that fades as a half bell curve.

    Args:
        pixels: float32 (h, w) or (h, w, 3).
        radius: Length of the trail, pixels.
        deviation: Of the bell curve, pixels.
        angle: Direction of the trail, radians.
    """
    steps = np.arange(int(np.ceil(radius)) + 1)
    weights = np.exp(-0.5 * (steps / max(deviation, 1e-6)) ** 2)
    reach = len(steps)
    around = ((reach, reach), (reach, reach), *[(0, 0)] * (pixels.ndim - 2))
    padded = np.pad(pixels, around, mode="edge")
    height, width = pixels.shape[:2]
    total = np.zeros(pixels.shape, dtype=np.float32)
    for step, weight in zip(steps, weights / weights.sum(), strict=True):
        down, right = reach + round(step * np.sin(angle)), reach + round(step * np.cos(angle))
        total += np.float32(weight) * padded[down : down + height, right : right + width]
    return total


def _gaussian(pixels: FloatArray, deviation: float, rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    return gaussian_blurred(pixels, deviation * scale_of(pixels))


def _defocus(pixels: FloatArray, strength: tuple[float, float], rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    """The image of a point is a disk."""
    radius, softness = (length * scale_of(pixels) for length in strength)
    reach = int(np.ceil(radius + 2 * softness))
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    disk = ndimage.gaussian_filter((rows**2 + columns**2 <= radius**2).astype(np.float32), softness)
    disk = disk[..., None] / disk.sum()
    padded = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    return np.asarray(signal.fftconvolve(padded, disk, mode="valid", axes=(0, 1)), dtype=np.float32)


def _glass(pixels: FloatArray, strength: tuple[float, float, float], rng: np.random.Generator) -> FloatArray:
    """Pixels come from places nearby; ImageNet-C exchanges neighbours one by one, which takes seconds an image."""
    deviation, reach, times = strength
    scale = scale_of(pixels)
    far = max(1, round(reach * scale))
    spoilt = gaussian_blurred(pixels, deviation * scale)
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    for _ in range(int(times)):
        down, right = rng.integers(-far, far + 1, (2, height, width))
        spoilt = spoilt[np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)]
    return gaussian_blurred(spoilt, deviation * scale)


def _motion(pixels: FloatArray, strength: tuple[float, float], rng: np.random.Generator) -> FloatArray:
    radius, deviation = (length * scale_of(pixels) for length in strength)
    return motion_blurred(pixels, radius, deviation, rng.uniform(-np.pi / 4, np.pi / 4))


def _zoom(pixels: FloatArray, strength: tuple[float, float], rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    """The mean of the image at growing magnification."""
    most, step = strength
    zooms = np.arange(1, most, step)
    return np.asarray(sum(zoomed(pixels, zoom) for zoom in zooms) / len(zooms), dtype=np.float32)


def zoomed(pixels: FloatArray, zoom: float) -> FloatArray:
    """The middle of an image, magnified to its size."""
    height, width = pixels.shape[:2]
    rows = (np.arange(height) - (height - 1) / 2) / zoom + (height - 1) / 2
    columns = (np.arange(width) - (width - 1) / 2) / zoom + (width - 1) / 2
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    below, beside = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down = (rows - top).astype(np.float32).reshape(-1, 1, *[1] * (pixels.ndim - 2))
    right = (columns - left).astype(np.float32).reshape(1, -1, *[1] * (pixels.ndim - 2))
    band = pixels[top] * (1 - down) + pixels[below] * down
    return np.asarray(band[:, left] * (1 - right) + band[:, beside] * right, dtype=np.float32)


BLUR = (
    Corruption("defocus-blur", ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)), _defocus),
    Corruption("glass-blur", ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)), _glass),
    Corruption("motion-blur", ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)), _motion),
    Corruption("zoom-blur", ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)), _zoom),
    Corruption("gaussian-blur", (1, 2, 3, 4, 6), _gaussian),
)
