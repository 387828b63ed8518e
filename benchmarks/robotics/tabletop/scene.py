"""A table scene: one object in the middle, others around it."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from benchmarks.robotics.tabletop.objects import COLOURS, KINDS, SIZES, Kind, Thing

Table = Literal["wooden", "white", "grey", "checked"]
TABLES: tuple[Table, ...] = get_args(Table)

_REACH = 0.24  # How far from the middle an object's centre may stand.
_CLEARANCE = 0.025


@dataclass(frozen=True)
class Scene:
    """Objects on a table, and its light.

    Attributes:
        things: The first stands in the middle; no two agree in kind, colour and size.
        table: Look of the table top.
        light: Position of the lamp's centre.
        warmth: Colour of the lamp, -1 cold to 1 warm.
        texture_seed: Seeds the table's grain.
    """

    things: tuple[Thing, ...]
    table: Table
    light: tuple[float, float, float]
    warmth: float
    texture_seed: int

    @property
    def extent(self) -> float:
        """Radius of the circle about the middle that all objects stand in, metres."""
        return max(float(np.hypot(*thing.position)) + thing.radius for thing in self.things)


def draw_scene(main: Kind, rng: np.random.Generator, count: int | None = None) -> Scene:
    """Draw a scene of two to six objects, or of `count`.

    Half of the objects repeat the kind or the colour of one that already stands there, so that an instruction has to
    name more than one trait to be understood.

    Args:
        main: Kind of the object in the middle.
        rng: Draws the rest.
        count: Number of objects, at most eight, for which there is room.
    """
    if count is None:
        count = int(rng.choice(range(2, 7), p=(0.3, 0.25, 0.2, 0.15, 0.1)))
    size = SIZES[int(rng.random() < 0.75)]  # Mostly large, as it is the picture's subject.
    things = [Thing(main, COLOURS[rng.integers(len(COLOURS))], size, (0.0, 0.0), _turn(rng))]
    while len(things) < count:
        thing = _another(things, rng)
        if thing is not None:
            things.append(thing)
    bearing, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.9, 1.4)
    reach = rng.uniform(0.3, 0.9)
    return Scene(
        things=tuple(things),
        table=TABLES[rng.integers(len(TABLES))],
        light=(float(reach * np.cos(bearing)), float(reach * np.sin(bearing)), float(height)),
        warmth=float(rng.uniform(-1, 1)),
        texture_seed=int(rng.integers(2**31)),
    )


def _turn(rng: np.random.Generator) -> float:
    return float(rng.uniform(0, 2 * np.pi))


def _another(things: list[Thing], rng: np.random.Generator) -> Thing | None:
    """One more object, or None where the draw collides with another."""
    kind, colour = KINDS[rng.integers(len(KINDS))], COLOURS[rng.integers(len(COLOURS))]
    like, copies = things[rng.integers(len(things))], rng.random()
    if copies < 0.3:
        kind = like.kind
    elif copies < 0.5:
        colour = like.colour
    bearing, reach = rng.uniform(0, 2 * np.pi), _REACH * np.sqrt(rng.uniform(0.1, 1))
    position = (float(reach * np.cos(bearing)), float(reach * np.sin(bearing)))
    thing = Thing(kind, colour, SIZES[rng.integers(2)], position, _turn(rng))
    for neighbour in things:
        if (neighbour.kind, neighbour.colour, neighbour.size) == (thing.kind, thing.colour, thing.size):
            return None
        apart = np.hypot(position[0] - neighbour.position[0], position[1] - neighbour.position[1])
        if apart < thing.radius + neighbour.radius + _CLEARANCE:
            return None
    return thing
