"""The things on the table: their kinds, colours, sizes and meshes. Lengths are metres."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from workbench.arrays import AnyArray, FloatArray

if TYPE_CHECKING:
    from trimesh import Trimesh

Kind = Literal["box", "ball", "can", "cup", "bottle"]
Colour = Literal["red", "green", "blue", "yellow", "purple", "white"]
Size = Literal["small", "large"]

KINDS: tuple[Kind, ...] = get_args(Kind)
COLOURS: tuple[Colour, ...] = get_args(Colour)
SIZES: tuple[Size, ...] = get_args(Size)

# Reflectance in linear light.
_REFLECTANCE: dict[Colour, tuple[float, float, float]] = {
    "red": (0.62, 0.03, 0.03),
    "green": (0.05, 0.38, 0.07),
    "blue": (0.04, 0.12, 0.60),
    "yellow": (0.80, 0.58, 0.03),
    "purple": (0.27, 0.06, 0.42),
    "white": (0.82, 0.82, 0.80),
}
_METAL = (0.55, 0.55, 0.57)
_CAP = (0.05, 0.05, 0.06)
SCALES: dict[Size, float] = {"small": 0.75, "large": 1.2}


@dataclass(frozen=True)
class Thing:
    """An object on the table.

    Attributes:
        kind: Its kind.
        colour: Its colour.
        size: Its size, relative to others of its kind.
        position: x and y of its centre on the table.
        heading: Its turn about the vertical, radians.
    """

    kind: Kind
    colour: Colour
    size: Size
    position: tuple[float, float]
    heading: float

    @property
    def radius(self) -> float:
        """Radius of the circle on the table that it stays within."""
        return _FOOTPRINTS[self.kind] * SCALES[self.size]


_FOOTPRINTS: dict[Kind, float] = {"box": 0.075, "ball": 0.06, "can": 0.045, "cup": 0.08, "bottle": 0.042}


@dataclass(frozen=True)
class Surface:
    """Triangles with normals and reflectance for shading.

    Attributes:
        triangles: float32 (n, 3, 3), corners.
        normals: float32 (n, 3, 3), unit normals at the corners.
        reflectance: float32 (n, 3), linear RGB.
    """

    triangles: FloatArray
    normals: FloatArray
    reflectance: FloatArray


def surface(thing: Thing) -> Surface:
    """The surface of an object where it stands."""
    corners, normals, trim = _shape(thing.kind)
    cosine, sine = np.cos(thing.heading), np.sin(thing.heading)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    placed = SCALES[thing.size] * corners @ turn.T + [*thing.position, 0.0]
    paint = np.where(trim == 0, np.array([_REFLECTANCE[thing.colour]]), np.where(trim == 1, _METAL, _CAP))
    return Surface(
        np.asarray(placed, np.float32), np.asarray(normals @ turn.T, np.float32), np.asarray(paint, np.float32)
    )


@cache
def _shape(kind: Kind) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Corners (n, 3, 3) and their normals of a kind at scale 1, and each face's paint: 0 own colour, 1 metal, 2 cap."""
    mesh = {"box": _box, "ball": _ball, "can": _can, "cup": _cup, "bottle": _bottle}[kind]()
    trim = np.zeros(len(mesh.faces), dtype=np.int64)
    height = mesh.triangles_center[:, 2]
    if kind == "can":
        trim[(height < 0.008) | (height > 0.122)] = 1
    elif kind == "bottle":
        trim[height > 0.165] = 2
    return mesh.triangles, _corner_normals(mesh), trim[:, None]


def _corner_normals(mesh: "Trimesh") -> AnyArray:
    """Mean normal of the faces around each corner that lie within 40 degrees of the corner's own face."""
    around = mesh.vertex_faces[mesh.faces]  # (n, 3, degree), -1 where there is none
    near = mesh.face_normals[around]
    alike = (near * mesh.face_normals[:, None, None]).sum(axis=-1) > np.cos(np.deg2rad(40.0))
    weight = (alike & (around >= 0)) * mesh.area_faces[around]
    summed = (near * weight[..., None]).sum(axis=2)
    return np.asarray(summed / np.linalg.norm(summed, axis=-1, keepdims=True))


def _box() -> "Trimesh":
    from trimesh import creation

    return creation.box(bounds=[[-0.06, -0.045, 0.0], [0.06, 0.045, 0.08]])


def _ball() -> "Trimesh":
    from trimesh import creation

    mesh = creation.icosphere(subdivisions=3, radius=0.06)
    mesh.apply_translation([0, 0, 0.06])
    return mesh


def _revolved(profile: list[tuple[float, float]]) -> "Trimesh":
    from trimesh import creation

    return creation.revolve(np.array(profile), sections=48)


def _can() -> "Trimesh":
    # The ends of a can are narrower than its body.
    return _revolved(
        [(0, 0), (0.036, 0), (0.036, 0.003), (0.042, 0.01), (0.042, 0.12), (0.036, 0.127), (0.036, 0.13), (0, 0.13)]
    )


def _cup() -> "Trimesh":
    from trimesh import creation, util

    body = _revolved([(0, 0), (0.04, 0), (0.048, 0.1), (0.044, 0.1), (0.036, 0.006), (0, 0.006)])
    handle = creation.torus(0.027, 0.006, major_sections=32, minor_sections=12)
    handle.apply_transform([[1, 0, 0, 0.045], [0, 0, -1, 0], [0, 1, 0, 0.052], [0, 0, 0, 1]])
    # The half within the cup is cut away where it ends inside the wall.
    handle.update_faces(handle.triangles_center[:, 0] > 0.045)
    return util.concatenate([body, handle])


def _bottle() -> "Trimesh":
    body = [(0, 0), (0.036, 0), (0.04, 0.006), (0.04, 0.095), (0.036, 0.11), (0.026, 0.124), (0.015, 0.135)]
    neck = [(0.013, 0.142), (0.013, 0.165), (0.016, 0.166), (0.016, 0.183), (0, 0.183)]
    return _revolved(body + neck)
