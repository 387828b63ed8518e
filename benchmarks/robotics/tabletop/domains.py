"""Write `tabletop-domains`: other scenes in other light, from a lower camera, and with more things on the table."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.robotics.tabletop.camera import Camera
from benchmarks.robotics.tabletop.generate import photographs, split_of
from benchmarks.robotics.tabletop.objects import KINDS
from benchmarks.robotics.tabletop.scene import draw_scene
from workbench.arrays import AnyArray
from workbench.datasets.corruptions.catalogue import CORRUPTIONS

COLUMNS = ("file_name", "label", "split", "group", "domain", "objects")


@dataclass(frozen=True)
class Domain:
    """How scenes are set and photographed.

    Attributes:
        objects: Least and largest number of objects; None for two to six.
        pitches: Range of the camera's angle above the table, degrees.
        light: What the light makes of the picture, uint8 to uint8.
    """

    objects: tuple[int, int] | None = None
    pitches: tuple[float, float] = (30, 52)
    light: Callable[[AnyArray, np.random.Generator], AnyArray] | None = None


def _evening(pixels: AnyArray, rng: np.random.Generator) -> AnyArray:
    """Little light of a warm lamp, and the noise of few photons."""
    warm = pixels * np.array([1.0, 0.85, 0.62])
    return CORRUPTIONS["low-light"](np.asarray(np.rint(warm), dtype=np.uint8), 3, rng)


DOMAINS: dict[str, Domain] = {
    "bench": Domain(),
    "evening": Domain(light=_evening),
    "low-camera": Domain(pitches=(14, 20)),
    "clutter": Domain(objects=(6, 7)),
}
"""The first is the one to train on; each of the others differs from it in one respect: light, camera, clutter."""


def generate_domains(folder: Path, seed: int = 1, size: int = 192, scenes: int = 12, views: int = 2) -> None:
    """Write the dataset. A scene is a group, and stands in one domain; see `generate`.

    Args:
        folder: Existing, empty folder.
        seed: Seeds all draws.
        size: Edge of the square images, pixels.
        scenes: Scenes for each kind of object in the middle in each domain; `bench` has twice as many.
        views: Photographs of each scene.
    """
    (folder / "images").mkdir()
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for place, name in enumerate(DOMAINS):
            for number in range(scenes * (2 if place == 0 else 1)):
                for code in range(len(KINDS)):
                    writer.writerows(_write_scene(folder, name, code, number, views, seed, size))


def _write_scene(
    folder: Path, domain: str, code: int, number: int, views: int, seed: int, size: int
) -> Iterator[dict[str, str | int]]:
    from PIL import Image

    about = DOMAINS[domain]
    # Each scene draws from its own stream, so that it does not change when others are added.
    rng = np.random.default_rng([seed, list(DOMAINS).index(domain), code, number])
    count = None if about.objects is None else int(rng.integers(about.objects[0], about.objects[1] + 1))
    _, taken = photographs(
        lambda own: draw_scene(KINDS[code], own, count),
        lambda extent, own: Camera.draw(extent, own, about.pitches),
        views, size, rng,
    )  # fmt: skip
    group = f"{domain}-{KINDS[code]}-{number:02d}"
    for index, (pixels, things) in enumerate(taken):
        name = f"images/{group}-{index}.png"
        seen = pixels if about.light is None else about.light(pixels, rng)
        Image.fromarray(seen).save(folder / name, compress_level=3)
        yield {
            "file_name": name,
            "label": KINDS[code],
            "split": split_of(number),
            "group": group,
            "domain": domain,
            "objects": len(things),
        }
