"""What differs between scanners, laboratories and cameras; strengths are the workbench's own."""

import numpy as np

from workbench.arrays import FloatArray
from workbench.datasets.corruptions.corruption import Corruption

# Optical density of haematoxylin, eosin and DAB in red, green and blue: Ruifrok and Johnston, "Quantification of
# Histochemical Staining by Color Deconvolution", Analytical and Quantitative Cytology and Histology 23(4), 2001.
_STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]], dtype=np.float32)


def _rician(pixels: FloatArray, deviation: float, rng: np.random.Generator) -> FloatArray:
    """The magnitude of a complex signal with noise in both channels: Gudbjartsson and Patz, MRM 34(6), 1995.

    All colours have the same noise, as a grey image stays grey.
    """
    real, imaginary = deviation * rng.standard_normal((2, *pixels.shape[:2], 1), dtype=np.float32)
    return np.asarray(np.hypot(pixels + real, imaginary), dtype=np.float32)


def _bias_field(pixels: FloatArray, strength: float, rng: np.random.Generator) -> FloatArray:
    """Receive coils shade an image smoothly: it is multiplied by 1 + strength * f, f a random cubic of -1..1."""
    height, width = pixels.shape[:2]
    rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    field = sum(
        rng.normal() * rows**down * columns**right for down in range(4) for right in range(4 - down) if down + right
    )
    field = np.asarray(field) - np.mean(field)
    field = field / max(float(np.abs(field).max()), 1e-6)
    return np.asarray(pixels * (1 + strength * field[..., None]), dtype=np.float32)


def _stain_shift(pixels: FloatArray, strength: float, rng: np.random.Generator) -> FloatArray:
    """Each stain is stronger or weaker: Tellez et al., "Whole-Slide Mitosis Detection [...]", IEEE TMI 37(9), 2018.

    They draw how much from a range; here it is the range's end, up or down, so that a severity is one.
    """
    density = -np.log(np.maximum(pixels, 1 / 255))
    stains = density @ np.linalg.inv(_STAINS)
    factor = 1 + strength * rng.choice([-1, 1], 3)
    shift = 0.1 * strength * rng.choice([-1, 1], 3)
    return np.asarray(np.exp(-((stains * factor + shift) @ _STAINS)), dtype=np.float32)


def _low_light(pixels: FloatArray, light: float, rng: np.random.Generator) -> FloatArray:
    """Less light, made up for in half by the camera's gain: the image is darker, and shows the noise of few photons."""
    photons = 120 * light
    return np.asarray(rng.poisson(pixels * photons) / photons * np.sqrt(light), dtype=np.float32)


ACQUISITION = (
    Corruption("rician-noise", (0.03, 0.06, 0.1, 0.15, 0.22), _rician),
    Corruption("bias-field", (0.2, 0.35, 0.5, 0.65, 0.8), _bias_field),
    Corruption("stain-shift", (0.05, 0.1, 0.15, 0.2, 0.3), _stain_shift),
    Corruption("low-light", (0.6, 0.4, 0.25, 0.15, 0.08), _low_light),
)
