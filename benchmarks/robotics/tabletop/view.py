"""Objects in one photograph of a scene with their boxes, as a robot's perception would report them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from benchmarks.robotics.tabletop.camera import Camera
from benchmarks.robotics.tabletop.objects import Colour, Kind, Size
from benchmarks.robotics.tabletop.render import Tracer, pixel_rays
from benchmarks.robotics.tabletop.scene import Scene
from workbench.arrays import IntArray

Relation = Literal["left of", "right of", "in front of", "behind"]
OPPOSITES: dict[Relation, Relation] = {
    "left of": "right of", "right of": "left of", "in front of": "behind", "behind": "in front of",
}  # fmt: skip

LEAST_VISIBLE = 0.55
_SIDEWAYS = 0.1  # Least horizontal distance of two boxes' centres for left and right, share of the image's edge.
_NEARER = 0.07  # Least difference of depth for in front and behind, metres.


@dataclass(frozen=True)
class VisibleThing:
    """An object in a photograph.

    Attributes:
        kind: Its kind.
        colour: Its colour.
        size: Its size.
        box: Left, top, right, bottom of its visible pixels, right and bottom exclusive.
        depth: Distance of its foot from the camera along the table, metres.
        visible: Share of it that is not hidden, 0..1.
    """

    kind: Kind
    colour: Colour
    size: Size
    box: tuple[int, int, int, int]
    depth: float
    visible: float

    @property
    def centre(self) -> float:
        """Horizontal centre of the box, pixels."""
        return (self.box[0] + self.box[2]) / 2

    def to_json(self) -> dict[str, Any]:
        """For the metadata."""
        return {**asdict(self), "box": list(self.box)}


def visible_things(scene: Scene, tracer: Tracer, camera: Camera, seen: IntArray) -> list[VisibleThing] | None:
    """The objects in a photograph, or None where one is mostly hidden or leaves the image.

    Args:
        scene: The scene.
        tracer: The scene's tracer.
        camera: The camera.
        seen: (size, size), the object that each pixel shows.
    """
    size = len(seen)
    origin = np.array(camera.position, dtype=np.float32)
    rays = pixel_rays(camera, size)
    visible = []
    for index, thing in enumerate(scene.things):
        rows, columns = np.nonzero(seen == index)
        if not len(rows):
            return None
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        share = len(rows) / max(1, tracer.covers(index, origin, rays))
        if share < LEAST_VISIBLE or min(box) < 1 or max(box) > size - 1:
            return None
        depth = round(camera.depth(*thing.position), 4)
        visible.append(VisibleThing(thing.kind, thing.colour, thing.size, box, depth, round(share, 3)))
    return visible


def relation_holds(first: VisibleThing, relation: Relation, second: VisibleThing, size: int) -> bool | None:
    """Whether `first` is, say, left of `second`; None where they are too close in that direction.

    Args:
        first: An object.
        relation: As the camera sees it.
        second: Another object of the same photograph.
        size: Edge of the image, pixels.
    """
    if relation in {"left of", "right of"}:
        lead = (second.centre - first.centre) / (_SIDEWAYS * size)
    else:
        lead = (second.depth - first.depth) / _NEARER
    if relation in {"right of", "behind"}:
        lead = -lead
    return None if abs(lead) < 1 else lead > 0


def relations(seen: Sequence[VisibleThing], size: int) -> list[tuple[int, Relation, int]]:
    """All clear relations, as (index, relation, index)."""
    return [
        (i, relation, j)
        for i, first in enumerate(seen)
        for j, second in enumerate(seen)
        if i != j
        for relation in OPPOSITES
        if relation_holds(first, relation, second, size)
    ]
