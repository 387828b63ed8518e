"""Write `leaf-morphology-domains`: leaves under a scanner, before a telephone, in a meadow, and in autumn."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.botany.leaf_morphology.generate import split_of
from benchmarks.botany.leaf_morphology.render import Setting, render
from benchmarks.botany.leaf_morphology.texture import field, ground
from benchmarks.botany.leaf_morphology.traits import SHAPES, Colour, Leaf, Specimen
from workbench.arrays import AnyArray
from workbench.datasets.corruptions.catalogue import CORRUPTIONS

COLUMNS = ("file_name", "label", "split", "group", "domain", "colour", "damaged")
_SUMMER: tuple[Colour, ...] = ("green", "dark green")
_AUTUMN: tuple[Colour, ...] = ("yellow", "red", "purple")


@dataclass(frozen=True)
class Domain:
    """Where and how leaves were taken.

    Attributes:
        colours: Of the blades.
        setting: The ground.
        damage: Share of leaves with holes and spots.
        turn: Largest turn from upright, radians.
        exposures: Range of brightness, 1 is neutral.
        camera: What the camera makes of the picture, uint8 to uint8.
    """

    colours: tuple[Colour, ...]
    setting: Setting
    damage: float
    turn: float
    exposures: tuple[float, float] = (0.96, 1.04)
    camera: Callable[[AnyArray, np.random.Generator], AnyArray] | None = None


def _glass(rng: np.random.Generator, size: int) -> AnyArray:
    """The white lid of a scanner."""
    return np.asarray(246 + 1.5 * field(rng, size, (size // 4, size // 4))[..., None] * np.ones(3), dtype=np.float32)


def _sheet(rng: np.random.Generator, size: int) -> AnyArray:
    return ground("a herbarium sheet", rng, size)


def _meadow(rng: np.random.Generator, size: int) -> AnyArray:
    """Blades of grass and leaves of other plants, in sun and shade."""
    from PIL import Image, ImageDraw

    canvas = Image.new("RGB", (size, size), (38, 62, 22))
    pen = ImageDraw.Draw(canvas)
    for _ in range(260):
        x, y = rng.uniform(-0.1, 1.1, 2) * size
        reach, lean = rng.uniform(0.1, 0.5) * size, rng.normal(0, 0.35)
        light = rng.uniform(0.5, 1.25)
        colour = tuple(int(value * light) for value in ((96, 142, 52), (70, 112, 40), (140, 158, 74))[rng.integers(3)])
        pen.line([(x, y), (x + reach * np.sin(lean), y - reach * np.cos(lean))], colour, int(rng.integers(2, 6)))
    for _ in range(5):
        x, y = rng.uniform(0, 1, 2) * size
        width, height = rng.uniform(0.08, 0.2, 2) * size
        pen.ellipse([x - width, y - height, x + width, y + height], fill=(86, int(rng.integers(100, 150)), 48))
    shade = 0.85 + 0.2 * field(rng, size, (5, 5))[..., None]
    return np.asarray(np.asarray(canvas, dtype=np.float32) * shade, dtype=np.float32)


def _telephone(pixels: AnyArray, rng: np.random.Generator) -> AnyArray:
    """Warm or cold light, dark corners, a slight blur, and compression."""
    size = len(pixels)
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    corners = 1 - rng.uniform(0.2, 0.45) * (rows**2 + columns**2) / 2
    warmth = rng.uniform(-0.14, 0.14)
    seen = pixels * corners[..., None] * rng.uniform(0.7, 1.0) * np.array([1 + warmth, 1, 1 - warmth])
    taken = np.asarray(np.rint(np.clip(seen, 0, 255)), dtype=np.uint8)
    return CORRUPTIONS["jpeg-compression"](CORRUPTIONS["gaussian-blur"](taken, 1, rng), 1, rng)


DOMAINS: dict[str, Domain] = {
    "flatbed": Domain(_SUMMER, Setting(_glass, shadow=0.08), damage=0.1, turn=1.1),
    "phone": Domain(_SUMMER, Setting(_sheet), damage=0.1, turn=1.1, exposures=(0.8, 1.1), camera=_telephone),
    "meadow": Domain(_SUMMER, Setting(_meadow), damage=0.1, turn=1.1),
    "autumn": Domain(_AUTUMN, Setting(_glass, shadow=0.08), damage=0.8, turn=1.1),
}
"""The first is the one to train on; each of the others differs from it in one respect: device, background, season."""


def generate_domains(folder: Path, seed: int = 1, size: int = 192, specimens: int = 14, leaves: int = 2) -> None:
    """Write the dataset. A specimen (plant) is a group, and stands in one domain; see `generate`.

    Args:
        folder: Existing, empty folder.
        seed: Seeds all draws.
        size: Edge of the square images, pixels.
        specimens: Plants of each shape in each domain; `flatbed` has twice as many.
        leaves: Leaves of each plant.
    """
    (folder / "images").mkdir()
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for place, name in enumerate(DOMAINS):
            for number in range(specimens * (2 if place == 0 else 1)):
                for code in range(len(SHAPES)):
                    writer.writerows(_write_specimen(folder, name, code, number, leaves, seed, size))


def _write_specimen(
    folder: Path, domain: str, code: int, number: int, leaves: int, seed: int, size: int
) -> Iterator[dict[str, str]]:
    from PIL import Image

    about = DOMAINS[domain]
    # Each plant and each leaf draws from its own stream, so that it does not change when others are added.
    stream = [seed, list(DOMAINS).index(domain), code, number]
    rng = np.random.default_rng(stream)
    colour = about.colours[rng.integers(len(about.colours))]
    specimen = replace(Specimen.draw(SHAPES[code], rng), colour=colour)
    group = f"{domain}-{SHAPES[code].replace(' ', '-')}-{number:02d}"
    for index in range(leaves):
        rng = np.random.default_rng([*stream, index + 1])
        leaf = _leaf(about, specimen, rng)
        pixels, _ = render(leaf, size, rng, about.setting)
        if about.camera is not None:
            pixels = about.camera(pixels, rng)
        name = f"images/{group}-{index}.png"
        Image.fromarray(pixels).save(folder / name, compress_level=3)
        yield {
            "file_name": name,
            "label": SHAPES[code],
            "split": split_of(number),
            "group": group,
            "domain": domain,
            "colour": colour,
            "damaged": "yes" if leaf.bites else "no",
        }


def _leaf(about: Domain, specimen: Specimen, rng: np.random.Generator) -> Leaf:
    leaf = Leaf.draw(specimen, rng)
    bites, spots = leaf.bites, leaf.spots
    if rng.random() < about.damage:
        while not bites:
            bites = Leaf.draw(specimen, rng).bites
        spots = max(spots, int(rng.integers(4, 14)))
    else:
        bites, spots = (), 0
    turn, exposure = rng.uniform(-about.turn, about.turn), rng.uniform(*about.exposures)
    return replace(leaf, rotation=turn, brightness=exposure, bites=bites, spots=spots)
