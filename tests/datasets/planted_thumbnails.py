"""Thumbnails with the statistics of photographs, and copies among them; shared by a test and by a measurement."""

import numpy as np
from PIL import Image

from workbench.arrays import AnyArray


def thumbnails(count: int, seed: int = 0) -> AnyArray:
    """Cut-outs of pictures whose energy falls with frequency as that of photographs does, uint8 (count, 256)."""
    rng = np.random.default_rng(seed)
    side, per = 64, 100
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij"))
    amplitude = 1 / np.maximum(frequency, 1 / side)
    out = np.empty((count, 256), dtype=np.uint8)
    for start in range(0, count, per):
        field = np.fft.irfft2(amplitude * np.exp(2j * np.pi * rng.random(amplitude.shape)), s=(side, side))
        field = (field - field.mean()) / field.std()
        picture = Image.fromarray(np.clip(128 + 45 * field, 0, 255).astype(np.uint8))
        for row in range(start, min(start + per, count)):
            width, height = rng.uniform(0.2, 1.0, 2) * side
            left, top = rng.uniform(0, side - width), rng.uniform(0, side - height)
            box = (left, top, left + width, top + height)
            cut = picture.resize((16, 16), Image.Resampling.BOX, box=box)
            out[row] = np.asarray(cut).reshape(-1)
    return out


def copied(originals: AnyArray, seed: int = 0) -> AnyArray:
    """Copies, each of another brightness and with noise, so that some correlate by 0.99 and others by less."""
    rng = np.random.default_rng(seed)
    n = len(originals)
    brightness, noise = rng.uniform(0.7, 1.1, (n, 1)), rng.uniform(0, 6, (n, 1))
    changed = originals * brightness + rng.normal(0, 1, originals.shape) * noise
    return np.clip(changed, 0, 255).astype(np.uint8)
