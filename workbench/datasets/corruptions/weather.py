"""Weather and light, with the strengths of ImageNet-C. Its frost lays photographs of ice on images, and is left out."""

import colorsys

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.datasets.corruptions.blur import motion_blurred, zoomed
from workbench.datasets.corruptions.corruption import Corruption, scale_of

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def fractal(shape: tuple[int, int], decay: float, rng: np.random.Generator) -> FloatArray:
    """Clouds of 0..1, float32 (h, w): random grids of doubling fineness, each weaker than the one before by `decay`."""
    from PIL import Image

    height, width = shape
    total = np.zeros(shape, dtype=np.float32)
    for octave in range(1, 9):
        grid = rng.random((2**octave, 2**octave), dtype=np.float32)
        finer = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(finer, dtype=np.float32) / np.float32(decay**octave)
    low, high = total.min(), total.max()
    return np.asarray((total - low) / max(high - low, 1e-6), dtype=np.float32)


def _snow(pixels: FloatArray, strength: tuple[float, ...], rng: np.random.Generator) -> FloatArray:
    mean, deviation, zoom, least, radius, trail, share = strength
    scale = scale_of(pixels)
    flakes = rng.normal(mean, deviation, pixels.shape[:2]).astype(np.float32)
    flakes = zoomed(flakes, zoom * scale) if zoom * scale > 1 else flakes
    flakes = np.clip(np.where(flakes < least, 0, flakes), 0, 1)
    layer = motion_blurred(flakes, radius * scale, trail * scale, rng.uniform(-0.75 * np.pi, -0.25 * np.pi))[..., None]
    pale = np.maximum(pixels, (pixels @ _GREY)[..., None] * 1.5 + 0.5)
    return np.asarray(share * pixels + (1 - share) * pale + layer + layer[::-1, ::-1], dtype=np.float32)


def _fog(pixels: FloatArray, strength: tuple[float, float], rng: np.random.Generator) -> FloatArray:
    amount, decay = strength
    brightest = float(pixels.max())
    clouds = fractal((pixels.shape[0], pixels.shape[1]), decay, rng)[..., None]
    return np.asarray((pixels + amount * clouds) * brightest / max(brightest + amount, 1e-6), dtype=np.float32)


def _brightness(pixels: FloatArray, more: float, rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    """The value of HSV grows; hue and saturation stay."""
    value = pixels.max(axis=2, keepdims=True)
    brighter = np.clip(value + more, 0, 1)
    return np.asarray(np.where(value > 0, pixels / np.maximum(value, 1e-6), 1) * brighter, dtype=np.float32)


def _saturate(pixels: FloatArray, strength: tuple[float, float], rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    """The saturation of HSV is multiplied and shifted; hue and value stay."""
    factor, shift = strength
    value = pixels.max(axis=2, keepdims=True)
    chroma = value - pixels.min(axis=2, keepdims=True)
    saturation = chroma / np.maximum(value, 1e-6)
    wanted = np.clip(saturation * factor + shift, 0, 1)
    # A grey pixel has no hue; in HSV that is red.
    share = np.where(chroma > 0, (value - pixels) / np.maximum(chroma, 1e-6), _red_complement(pixels))
    return np.asarray(value - wanted * value * share, dtype=np.float32)


def _red_complement(pixels: AnyArray) -> AnyArray:
    red = np.array(colorsys.hsv_to_rgb(0, 1, 1), dtype=np.float32)
    return np.broadcast_to(1 - red, pixels.shape)


WEATHER = (
    Corruption(
        "snow",
        (
            (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
            (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
            (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
            (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
            (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ),
        _snow,
    ),
    Corruption("fog", ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)), _fog),
    Corruption("brightness", (0.1, 0.2, 0.3, 0.4, 0.5), _brightness),
    Corruption("saturate", ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)), _saturate),
)
