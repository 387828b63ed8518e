"""Heat maps as pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, FloatArray

if TYPE_CHECKING:
    from PIL.Image import Image

_SHARE = 0.5  # Of the map, the rest being the picture.


def overlaid(pixels: AnyArray, heat: FloatArray) -> "Image":
    """A picture with its map laid over it, dark to bright from the map's least to its greatest value.

    Args:
        pixels: uint8 (h, w, 3).
        heat: (h, w).
    """
    import matplotlib as mpl
    from PIL import Image

    low, high = float(heat.min()), float(heat.max())
    level = (heat - low) / (high - low) if high > low else np.zeros_like(heat)
    colours = mpl.colormaps["inferno"](level)[..., :3] * 255
    return Image.fromarray(np.round((1 - _SHARE) * pixels + _SHARE * colours).astype(np.uint8))


def write_heat_map(folder: Path, name: str, pixels: AnyArray, heat: FloatArray) -> None:
    """Write `NAME.png`, the picture with its map, and `NAME.npy`, float32 (h, w).

    Args:
        folder: Made where it is not there.
        name: Without a suffix; may hold folders.
        pixels: uint8 (h, w, 3).
        heat: (h, w).
    """
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    overlaid(pixels, heat).save(place.with_name(f"{place.name}.png"))
    np.save(place.with_name(f"{place.name}.npy"), heat)
