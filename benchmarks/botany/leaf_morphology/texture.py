"""Smooth random fields, and the grounds that leaves lie on."""

import numpy as np

from benchmarks.botany.leaf_morphology.traits import Ground
from workbench.arrays import AnyArray, FloatArray


def field(rng: np.random.Generator, size: int, cells: tuple[int, int]) -> FloatArray:
    """A smooth random field: noise on a coarse grid, interpolated.

    Args:
        rng: Draws the noise.
        size: Edge of the square field.
        cells: Rows and columns of the grid.

    Returns:
        float32 (size, size), about standard normal on the grid's points.
    """
    from PIL import Image

    grid = rng.standard_normal(cells).astype(np.float32)
    return np.asarray(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32)


def grain(rng: np.random.Generator, size: int, coarsest: int = 4, octaves: int = 5, fall: float = 0.65) -> FloatArray:
    """Fields of doubling fineness added up, each `fall` as strong as the one before."""
    return np.asarray(
        sum(fall**i * field(rng, size, (coarsest * 2**i, coarsest * 2**i)) for i in range(octaves)), dtype=np.float32
    )


_TONES: dict[Ground, tuple[tuple[int, int, int], ...]] = {
    "a herbarium sheet": ((238, 233, 220), (226, 220, 204)),
    "sand": ((222, 200, 160), (176, 148, 106)),
    "soil": ((104, 78, 58), (48, 35, 27)),
    "moss": ((112, 138, 62), (44, 66, 24)),
    "a wooden board": ((186, 140, 92), (128, 88, 52)),
}


def ground(kind: Ground, rng: np.random.Generator, size: int) -> AnyArray:
    """A square picture of a ground, float32 (size, size, 3), values 0..255."""
    if kind == "a herbarium sheet":
        mix = 0.5 + 0.12 * grain(rng, size, fall=0.9)
    elif kind == "a wooden board":
        rings = field(rng, size, (3, 7)) * 1.6 + field(rng, size, (4, 60)) * 0.5
        mix = 0.5 + 0.32 * np.sin(5 * rings + np.linspace(0, 14, size)[None, :]) + 0.12 * field(rng, size, (8, size))
    else:
        fineness = {"sand": 40, "soil": 14, "moss": 28}[kind]
        mix = 0.5 + 0.28 * grain(rng, size, coarsest=fineness, octaves=4, fall=0.85)
    light, dark = (np.array(tone, dtype=np.float32) for tone in _TONES[kind])
    share = np.clip(mix, 0, 1)[..., None]
    return np.asarray(light * share + dark * (1 - share), dtype=np.float32)
