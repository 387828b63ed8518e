"""Write `tabletop`: images and `metadata.jsonl`."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.robotics.tabletop.camera import Camera
from benchmarks.robotics.tabletop.language import captions, instructions
from benchmarks.robotics.tabletop.language_ja import japanese_captions
from benchmarks.robotics.tabletop.negatives import contrasts
from benchmarks.robotics.tabletop.objects import KINDS
from benchmarks.robotics.tabletop.render import Tracer, pixel_rays, render
from benchmarks.robotics.tabletop.scene import Scene, draw_scene
from benchmarks.robotics.tabletop.view import VisibleThing, relations, visible_things
from workbench.arrays import AnyArray

# Of eight scenes with the same kind in the middle four train, one validates and three test.
_CYCLE: tuple[Literal["train", "val", "test"], ...] = (
    "train", "test", "train", "val", "test", "train", "test", "train",
)  # fmt: skip
_ATTEMPTS = 12
_PREVIEW = 64


def generate(folder: Path, seed: int = 0, size: int = 192, scenes: int = 28, views: int = 3) -> None:
    """Write the dataset. A scene is a group: its photographs show the same objects from different sides.

    The label is the kind of the object in the middle. Further columns of a row: `table`; `objects`, the middle one
    first, each with kind, colour, size, box, depth and visible share; `relations`, triples of index, relation, index;
    `instructions`, as `language.Instruction` has them; `contrasts`, as `negatives.Contrast` has them.

    Args:
        folder: Existing, empty folder.
        seed: Seeds all draws.
        size: Edge of the square images, pixels.
        scenes: Scenes for each kind of object in the middle.
        views: Photographs of each scene.
    """
    (folder / "images").mkdir()
    with (folder / "metadata.jsonl").open("w", encoding="utf-8") as file:
        for number in range(scenes):
            for code in range(len(KINDS)):
                for row in _write_scene(folder, code, number, views, seed, size):
                    file.write(json.dumps(row) + "\n")


def _write_scene(folder: Path, code: int, number: int, views: int, seed: int, size: int) -> Iterator[dict[str, Any]]:
    from PIL import Image

    # Each scene draws from its own stream, so that it does not change when others are added.
    rng = np.random.default_rng([seed, code, number])
    scene, taken = photographs(partial(draw_scene, KINDS[code]), Camera.draw, views, size, rng)
    # Its own stream, so that the instructions do not depend on it.
    contrast_rng = np.random.default_rng([seed, code, number, 1])
    group = f"{KINDS[code]}-{number:03d}"
    for index, (pixels, things) in enumerate(taken):
        name = f"images/{group}-{index}.png"
        Image.fromarray(pixels).save(folder / name, compress_level=3)
        yield {
            "file_name": name,
            "label": KINDS[code],
            "split": split_of(number),
            "group": group,
            "caption": captions(things, scene.table, size),
            "caption_ja": japanese_captions(things, scene.table, size),
            "table": scene.table,
            "objects": [thing.to_json() for thing in things],
            "relations": relations(things, size),
            "instructions": [entry.to_json() for entry in instructions(things, size, rng)],
            "contrasts": [entry.to_json() for entry in contrasts(things, size, contrast_rng)],
        }


def split_of(number: int) -> Literal["train", "val", "test"]:
    """The split of the scenes of a number, counted from 0 within a kind of object."""
    return _CYCLE[number % len(_CYCLE)]


def photographs(
    draw: Callable[[np.random.Generator], Scene],
    aim: Callable[[float, np.random.Generator], Camera],
    views: int,
    size: int,
    rng: np.random.Generator,
) -> tuple[Scene, list[tuple[AnyArray, list[VisibleThing]]]]:
    """A scene from several sides, each of which shows all of it; draws again until there is one.

    Args:
        draw: Draws a scene.
        aim: Draws a camera for a scene's extent.
        views: Number of photographs.
        size: Edge of the square images, pixels.
        rng: Draws all.

    Returns:
        The scene, and each photograph with the things in it.
    """
    while True:
        scene = draw(rng)
        tracer = Tracer(scene)
        taken: list[tuple[AnyArray, list[VisibleThing]]] = []
        for _ in range(_ATTEMPTS * views):
            camera = aim(scene.extent, rng)
            if not _shows_all(scene, tracer, camera):
                continue
            pixels, seen = render(tracer, scene, camera, size, rng)
            things = visible_things(scene, tracer, camera, seen)
            if things is not None:
                taken.append((pixels, things))
            if len(taken) == views:
                return scene, taken


def _shows_all(scene: Scene, tracer: Tracer, camera: Camera) -> bool:
    """A coarse look before the costly one."""
    hits = tracer.trace(np.array(camera.position, dtype=np.float32), pixel_rays(camera, _PREVIEW))
    return visible_things(scene, tracer, camera, hits.thing.reshape(_PREVIEW, _PREVIEW)) is not None
