"""Write `leaf-morphology`: images and `metadata.csv`."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.botany.leaf_morphology.captions import caption
from benchmarks.botany.leaf_morphology.captions_ja import japanese_caption
from benchmarks.botany.leaf_morphology.negatives import contrasts
from benchmarks.botany.leaf_morphology.render import render
from benchmarks.botany.leaf_morphology.traits import SHAPES, Leaf, Specimen

COLUMNS = (
    "file_name", "label", "split", "group", "caption", "caption_ja", "margin", "colour", "venation", "ground",
    "damaged", "contrasts",
)  # fmt: skip
# Of seven plants of a shape four train, one validates and two test.
_CYCLE: tuple[Literal["train", "val", "test"], ...] = ("train", "test", "train", "val", "train", "test", "train")


def generate(folder: Path, seed: int = 0, size: int = 192, specimens: int = 28, leaves: int = 4) -> None:
    """Write the dataset. A specimen (plant) is a group: its leaves share shape, margin, colour and proportions.

    Args:
        folder: Existing, empty folder.
        seed: Seeds all draws.
        size: Edge of the square images, pixels.
        specimens: Plants of each shape.
        leaves: Leaves of each plant.
    """
    (folder / "images").mkdir()
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for number in range(specimens):
            for code in range(len(SHAPES)):
                writer.writerows(_write_specimen(folder, code, number, leaves, seed, size))


def split_of(number: int) -> Literal["train", "val", "test"]:
    """The split of the plants of a number, counted from 0 within a shape."""
    return _CYCLE[number % len(_CYCLE)]


def _write_specimen(
    folder: Path, code: int, number: int, leaves: int, seed: int, size: int
) -> Iterator[dict[str, str]]:
    from PIL import Image

    shape = SHAPES[code]
    specimen = Specimen.draw(shape, np.random.default_rng([seed, code, number]))
    group = f"{shape.replace(' ', '-')}-{number:02d}"
    for index in range(leaves):
        # Each leaf draws from its own stream, so that it does not change when others are added.
        rng = np.random.default_rng([seed, code, number, index + 1])
        leaf = Leaf.draw(specimen, rng)
        pixels, _ = render(leaf, size, rng)
        name = f"images/{group}-{index}.png"
        Image.fromarray(pixels).save(folder / name, compress_level=3)
        yield {
            "file_name": name,
            "label": shape,
            "split": split_of(number),
            "group": group,
            "caption": caption(leaf),
            "caption_ja": japanese_caption(leaf),
            "margin": specimen.margin,
            "colour": specimen.colour,
            "venation": specimen.venation,
            "ground": leaf.ground,
            "damaged": "yes" if leaf.bites else "no",
            "contrasts": json.dumps(contrasts(leaf, rng)),
        }
