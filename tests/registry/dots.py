"""Images with dots to count, as files and a CSV."""

from pathlib import Path

import numpy as np
from PIL import Image

SIDE, CELL = 48, 12


def draw(count: int, rng: np.random.Generator) -> Image.Image:
    """Light squares on dark noise, each in a cell of its own."""
    pixels = rng.integers(0, 20, (SIDE, SIDE)).astype(np.uint8)  # No two images are equal.
    for cell in rng.permutation((SIDE // CELL) ** 2)[:count]:
        y, x = (CELL * int(i) + int(rng.integers(1, 5)) for i in divmod(cell, SIDE // CELL))
        pixels[y : y + 6, x : x + 6] = rng.integers(180, 255)
    return Image.fromarray(pixels)


def write_dots(folder: Path, more: str = "") -> Path:
    """Write images of 0 to 6 dots, and their card; `more` goes to its end."""
    rng, lines = np.random.default_rng(0), ["file_name,dots,split"]
    folder.mkdir()
    for split, number in (("train", 24), ("val", 10), ("test", 20)):
        for i in range(number):
            count = int(rng.integers(0, 7))
            draw(count, rng).save(folder / f"{split}-{i}.png")
            lines.append(f"{split}-{i}.png,{count},{split}")
    (folder / "dots.csv").write_text("\n".join(lines), encoding="utf-8")
    path = folder / "dots.toml"
    path.write_text(
        'name = "dots"\ntask = "counting"\n[source]\ntype = "csv"\npath = "dots.csv"\n'
        f'[columns]\ncount = "dots"\nsplit = "split"\n{more}',
        encoding="utf-8",
    )
    return path
