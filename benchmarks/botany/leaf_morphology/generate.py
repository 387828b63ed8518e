"""Write the images of `leaf-morphology`."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.botany.leaf_morphology.drawing import COLOURS, Style, paint
from benchmarks.botany.leaf_morphology.outline import MARGINS, SHAPES, draw_blade
from benchmarks.metadata import assign_splits, write_metadata

_GROUNDS = [(226, 222, 210), (206, 198, 180), (150, 140, 124), (92, 78, 62), (190, 200, 206)]
_PALMATE = {"palmately lobed", "orbicular", "cordate"}


def generate(folder: Path, *, specimens: int = 35, leaves: int = 4, size: int = 192, seed: int = 0) -> None:
    """Write leaves and `metadata.jsonl`.

    Args:
        folder: Filled with `SHAPE/*.png`.
        specimens: Plants of each shape; a plant is a group, and its leaves share margin, colour and ground.
        leaves: Leaves of each plant.
        size: Side in pixels.
        seed: Seeds everything.
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for shape in SHAPES:
        (folder / shape.replace(" ", "-")).mkdir(exist_ok=True)
        plants = [f"{shape.replace(' ', '-')}-{number:02d}" for number in range(specimens)]
        split_of = assign_splits(plants, rng)
        for plant in plants:
            margin = str(rng.choice(MARGINS))
            style = Style(
                colour=str(rng.choice(list(COLOURS), p=[0.4, 0.2, 0.15, 0.1, 0.15])),
                venation="palmate" if shape in _PALMATE else "pinnate",
                background=_GROUNDS[int(rng.integers(len(_GROUNDS)))],
            )
            for leaf in range(leaves):
                file = f"{shape.replace(' ', '-')}/{plant}-{leaf}.png"
                paint(draw_blade(shape, margin, rng), style, size, rng).save(folder / file)
                rows.append(
                    {
                        "file_name": file,
                        "label": shape,
                        "split": split_of[plant],
                        "group": plant,
                        "caption": describe(shape, margin, style),
                        "margin": margin,
                        "colour": style.colour,
                        "venation": style.venation,
                    }
                )
    write_metadata(folder, rows)


def describe(shape: str, margin: str, style: Style) -> list[str]:
    """Two captions in botanical terms."""
    article = "an" if shape[0] in "aeiou" else "a"
    edge = "an entire" if margin == "entire" else f"a {margin}"
    return [
        f"{article} {shape} leaf with {edge} margin",
        f"a {style.colour}, {shape} leaf, {style.venation} veined, with {edge} margin",
    ]
