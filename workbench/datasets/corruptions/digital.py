"""Contrast, warping, coarse pixels and compression, with the strengths of ImageNet-C."""

from io import BytesIO

import numpy as np
from scipy import ndimage

from workbench.arrays import FloatArray
from workbench.datasets.corruptions.corruption import Corruption, scale_of


def _contrast(pixels: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    means = pixels.mean(axis=(0, 1), keepdims=True)
    return np.asarray((pixels - means) * share + means, dtype=np.float32)


def _elastic(pixels: FloatArray, strength: tuple[float, float, float], rng: np.random.Generator) -> FloatArray:
    """A random affine map, then a smooth random field of displacements (Simard et al., ICDAR 2003)."""
    reach, smoothness, affine = (length * scale_of(pixels) for length in strength)
    height, width = pixels.shape[:2]
    third = min(height, width) / 3
    corners = np.array([height, width]) / 2 + third * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = corners + rng.uniform(-affine, affine, corners.shape)
    matrix = np.linalg.solve(np.c_[moved, np.ones(3)], corners)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    down, right = (
        reach * ndimage.gaussian_filter(rng.uniform(-1, 1, (height, width)), smoothness, mode="reflect", truncate=3)
        for _ in range(2)
    )
    at = np.stack([rows + down, columns + right, np.ones_like(rows)], axis=-1) @ matrix
    places = [at[..., 0], at[..., 1]]
    bent = [ndimage.map_coordinates(pixels[..., c], places, order=1, mode="reflect") for c in range(3)]
    return np.stack(bent, axis=-1).astype(np.float32)


def _pixelate(pixels: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    """Made smaller by averaging, and larger again without; the size is that of an image of edge 224."""
    from PIL import Image

    height, width = pixels.shape[:2]
    image = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    smaller = max(1, round(width * share / scale_of(pixels))), max(1, round(height * share / scale_of(pixels)))
    coarse = image.resize(smaller, Image.Resampling.BOX).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(coarse, dtype=np.float32) / np.float32(255)


def _jpeg(pixels: FloatArray, quality: float, rng: np.random.Generator) -> FloatArray:  # noqa: ARG001
    from PIL import Image

    file = BytesIO()
    Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(file, "JPEG", quality=int(quality))
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float32) / np.float32(255)


DIGITAL = (
    Corruption("contrast", (0.4, 0.3, 0.2, 0.1, 0.05), _contrast),
    Corruption(
        "elastic-transform",
        ((488, 170.8, 24.4), (488, 19.52, 48.8), (12.2, 2.44, 4.88), (17.08, 2.44, 4.88), (29.28, 2.44, 4.88)),
        _elastic,
    ),
    Corruption("pixelate", (0.6, 0.5, 0.4, 0.3, 0.25), _pixelate),
    Corruption("jpeg-compression", (25, 18, 15, 10, 7), _jpeg),
)
