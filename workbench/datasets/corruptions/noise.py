"""Noise, with the strengths of ImageNet-C.

Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations" (ICLR 2019).
"""

import numpy as np

from workbench.arrays import FloatArray
from workbench.datasets.corruptions.corruption import Corruption


def _gaussian(pixels: FloatArray, deviation: float, rng: np.random.Generator) -> FloatArray:
    return pixels + deviation * rng.standard_normal(pixels.shape, dtype=np.float32)


def _shot(pixels: FloatArray, photons: float, rng: np.random.Generator) -> FloatArray:
    """White is so many photons a channel."""
    return np.asarray(rng.poisson(pixels * photons) / photons, dtype=np.float32)


def _impulse(pixels: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:
    """So many values are black or white."""
    chance = rng.random(pixels.shape, dtype=np.float32)
    return np.where(chance < share, np.where(chance < share / 2, np.float32(0), np.float32(1)), pixels)


def _speckle(pixels: FloatArray, deviation: float, rng: np.random.Generator) -> FloatArray:
    return pixels * (1 + deviation * rng.standard_normal(pixels.shape, dtype=np.float32))


NOISE = (
    Corruption("gaussian-noise", (0.08, 0.12, 0.18, 0.26, 0.38), _gaussian),
    Corruption("shot-noise", (60, 25, 12, 5, 3), _shot),
    Corruption("impulse-noise", (0.03, 0.06, 0.09, 0.17, 0.27), _impulse),
    Corruption("speckle-noise", (0.15, 0.2, 0.35, 0.45, 0.6), _speckle),
)
