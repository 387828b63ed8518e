"""Trace a scene with Embree: the image, and the object of each pixel.

Direct light from a round lamp with soft shadows, ambient occlusion, a Blinn-Phong highlight. Pixels on edges are traced
again with four rays.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.robotics.tabletop.camera import Camera
from benchmarks.robotics.tabletop.objects import surface
from benchmarks.robotics.tabletop.scene import Scene
from benchmarks.robotics.tabletop.table_top import TableTop
from workbench.arrays import AnyArray, FloatArray, IntArray
from workbench.errors import DataError

TABLE = -1
NOTHING = -2
_SHADOW_RAYS = 5
_OCCLUSION_RAYS = 6
_OCCLUSION_REACH = 0.12
_LAMP_RADIUS = 0.12
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
_OFFSET = 1e-3  # Secondary rays start this far above the surface, metres.


@dataclass(frozen=True)
class _Hits:
    """Ends of rays: `thing` is an object's index, `TABLE` or `NOTHING`; the rest is meaningless for `NOTHING`."""

    thing: IntArray
    points: FloatArray
    normals: FloatArray
    reflectance: FloatArray


class Tracer:
    """A scene, ready for rays.

    Raises:
        DataError: embreex is not installed.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        surfaces = [surface(thing) for thing in scene.things]
        reach = 1.1
        corners = np.array([[-reach, -reach], [reach, -reach], [reach, reach], [-reach, reach]])
        top = np.concatenate([corners, np.zeros((4, 1))], axis=1)[[[0, 1, 2], [0, 2, 3]]].astype(np.float32)
        self._embree = _embree([part.triangles for part in surfaces] + [top])
        self._alone = [_embree([part.triangles]) for part in surfaces]
        up = np.broadcast_to(np.array([0, 0, 1], np.float32), (2, 3, 3))
        self._normals = np.concatenate([*(part.normals for part in surfaces), up])
        self._reflectance = np.concatenate([*(part.reflectance for part in surfaces), np.ones((2, 3), np.float32)])
        self._first = np.cumsum([0, *(len(part.triangles) for part in surfaces)])
        self._table = TableTop(scene.table, scene.texture_seed)

    def trace(self, origin: FloatArray, directions: FloatArray) -> _Hits:
        """First hits of rays from one point."""
        origins = np.broadcast_to(origin, directions.shape).astype(np.float32)
        ray_hits = self._embree.run(origins, directions, output=1)
        geometry, hit = ray_hits["geomID"], ray_hits["primID"] >= 0
        thing = np.where(hit, np.where(geometry == len(self._scene.things), TABLE, geometry), NOTHING)
        face = np.where(hit, self._first[np.where(hit, geometry, 0)] + ray_hits["primID"], 0)
        u, v = ray_hits["u"][:, None], ray_hits["v"][:, None]
        corner = self._normals[face]
        normals = (1 - u - v) * corner[:, 0] + u * corner[:, 1] + v * corner[:, 2]
        normals = _unit(normals)
        distance = np.where(hit, ray_hits["tfar"], np.float32(0))[:, None]
        points = np.asarray(origins + distance * directions, dtype=np.float32)
        reflectance = self._reflectance[face]
        table = thing == TABLE
        reflectance[table] = self._table(points[table, 0], points[table, 1])
        # A cup's inside is seen from within.
        away = _dot(normals, directions)[:, 0] > 0
        normals[away] *= -1
        return _Hits(thing.astype(np.int64), points, normals.astype(np.float32), reflectance)

    def covers(self, thing: int, origin: FloatArray, directions: FloatArray) -> int:
        """The number of rays that would meet an object if it stood alone."""
        origins = np.broadcast_to(origin, directions.shape).astype(np.float32)
        return int((self._alone[thing].run(origins, directions) >= 0).sum())

    def blocked(self, origins: FloatArray, directions: FloatArray, reach: FloatArray | float) -> AnyArray:
        """Whether rays meet something within `reach`."""
        return np.asarray(self._embree.run(origins, directions, query="DISTANCE") < reach)


def _embree(parts: list[FloatArray]) -> Any:
    try:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene
    except ImportError as error:
        raise DataError("tabletop is traced with embreex: pip install 'clip-workbench[quickstart]'.") from error
    scene = EmbreeScene()
    for triangles in parts:
        TriangleMesh(scene, triangles)
    return scene


def pixel_rays(camera: Camera, size: int) -> FloatArray:
    """Directions through all pixel centres, row by row."""
    rows, columns = np.mgrid[0:size, 0:size].reshape(2, -1).astype(np.float32) + 0.5
    return camera.rays(columns, rows, size)


def render(
    tracer: Tracer, scene: Scene, camera: Camera, size: int, rng: np.random.Generator
) -> tuple[AnyArray, IntArray]:
    """Photograph a scene.

    Args:
        tracer: Of that scene.
        scene: Gives the light.
        camera: The camera.
        size: Edge of the square image.
        rng: Draws the sensor's noise.

    Returns:
        The image, uint8 (size, size, 3), and for each pixel's centre the object's index, `TABLE` or `NOTHING`.
    """
    origin = np.array(camera.position, dtype=np.float32)
    hits = tracer.trace(origin, pixel_rays(camera, size))
    light = _shade(tracer, scene, origin, hits).reshape(size, size, 3)
    seen = hits.thing.reshape(size, size)
    rows, columns = np.nonzero(_edges(seen, hits.normals.reshape(size, size, 3)))
    shifts = np.array([[0.25, 0.125], [0.875, 0.25], [0.125, 0.75], [0.75, 0.875]], dtype=np.float32)
    finer_rows = (rows[:, None] + shifts[:, 0]).ravel().astype(np.float32)
    finer_columns = (columns[:, None] + shifts[:, 1]).ravel().astype(np.float32)
    finer = tracer.trace(origin, camera.rays(finer_columns, finer_rows, size))
    light[rows, columns] = _shade(tracer, scene, origin, finer).reshape(-1, len(shifts), 3).mean(axis=1)
    shown = 255 * np.clip(light, 0, 1) ** (1 / 2.2) + rng.normal(0, 2, (size, size, 1))
    return np.asarray(np.rint(np.clip(shown, 0, 255)), dtype=np.uint8), seen


def _edges(seen: IntArray, normals: FloatArray) -> AnyArray:
    """Pixels whose right or lower neighbour shows another thing or another face, and those neighbours."""
    edge = np.zeros(seen.shape, dtype=np.bool_)
    for here, next_to in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        differ = (seen[here] != seen[next_to]) | ((normals[here] * normals[next_to]).sum(axis=-1) < 0.8)
        edge[here] |= differ
        edge[next_to] |= differ
    return edge


def _shade(tracer: Tracer, scene: Scene, eye: FloatArray, hits: _Hits) -> FloatArray:
    """Linear RGB, float32 (n, 3)."""
    lamp_colour = np.array([1 + 0.07 * scene.warmth, 1.0, 1 - 0.1 * scene.warmth], dtype=np.float32)
    start = hits.points + _OFFSET * hits.normals
    view = _unit(eye - hits.points)
    direct = np.zeros((len(start), 1), dtype=np.float32)
    highlight = np.zeros((len(start), 1), dtype=np.float32)
    for point in _lamp_points(scene):
        to_lamp = point - start
        distance = np.sqrt(_dot(to_lamp, to_lamp))
        to_lamp /= distance
        open_ = ~tracer.blocked(start, to_lamp, distance[:, 0])[:, None] / np.float32(_SHADOW_RAYS)
        direct += open_ * np.maximum(_dot(hits.normals, to_lamp), 0)
        highlight += open_ * np.maximum(_dot(hits.normals, _unit(to_lamp + view)), 0) ** 60
    ambient = (0.3 + 0.12 * hits.normals[:, 2:]) * _openness(tracer, start, hits.normals)
    glossy = (hits.thing >= 0)[:, None] * np.float32(0.35)
    light = hits.reflectance * (lamp_colour * direct + ambient) + glossy * highlight * lamp_colour
    room = np.array([0.16, 0.17, 0.19], dtype=np.float32)
    return np.asarray(np.where((hits.thing == NOTHING)[:, None], room, light), dtype=np.float32)


# All pixels share their sample points, which leaves faint bands where random ones would leave grain.
def _lamp_points(scene: Scene) -> FloatArray:
    """Points spread over the lamp."""
    number = np.arange(_SHADOW_RAYS)
    angle, radius = number * _GOLDEN_ANGLE, _LAMP_RADIUS * np.sqrt((number + 0.5) / _SHADOW_RAYS)
    offset = np.stack([radius * np.cos(angle), radius * np.sin(angle), 0 * radius], axis=1)
    return np.asarray(np.array(scene.light) + offset, dtype=np.float32)


def _openness(tracer: Tracer, start: FloatArray, normals: FloatArray) -> FloatArray:
    """Share of cosine-distributed rays that leave the neighbourhood, (n, 1)."""
    free = np.zeros((len(start), 1), dtype=np.float32)
    number = np.arange(_OCCLUSION_RAYS)
    height, angle = 1 - (2 * number + 1) / _OCCLUSION_RAYS, number * _GOLDEN_ANGLE
    ring = np.sqrt(1 - height**2)
    for point in np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1).astype(np.float32):
        # A normal plus a point of the unit sphere is cosine-distributed about the normal.
        directions = _unit(normals + np.float32(0.99) * point)
        free += ~tracer.blocked(start, directions, _OCCLUSION_REACH)[:, None] / np.float32(_OCCLUSION_RAYS)
    return free


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", a, b)[:, None])


def _unit(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.sqrt(np.maximum(_dot(vectors, vectors), np.float32(1e-12))))
