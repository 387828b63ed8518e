from itertools import combinations

import numpy as np
import pytest

pytest.importorskip("trimesh", reason="tabletop needs the quickstart extra")
pytest.importorskip("embreex", reason="tabletop needs the quickstart extra")

from benchmarks.robotics.tabletop.camera import Camera
from benchmarks.robotics.tabletop.objects import COLOURS, KINDS, SCALES, SIZES, Thing, surface
from benchmarks.robotics.tabletop.render import TABLE, Tracer, pixel_rays, render
from benchmarks.robotics.tabletop.scene import draw_scene
from benchmarks.robotics.tabletop.view import visible_things

SIZE = 72


def photograph(seed):
    rng = np.random.default_rng(seed)
    while True:
        scene = draw_scene(KINDS[seed % len(KINDS)], rng)
        tracer = Tracer(scene)
        camera = Camera.draw(scene.extent, rng)
        image, seen = render(tracer, scene, camera, SIZE, rng)
        things = visible_things(scene, tracer, camera, seen)
        if things is not None:
            return scene, tracer, camera, image, seen, things


@pytest.mark.parametrize("seed", range(20))
def test_objects_differ_and_do_not_touch(seed):
    scene = draw_scene("cup", np.random.default_rng(seed))
    assert 2 <= len(scene.things) <= 6
    assert scene.things[0].kind == "cup"
    assert scene.things[0].position == (0, 0)
    for one, other in combinations(scene.things, 2):
        assert (one.kind, one.colour, one.size) != (other.kind, other.colour, other.size)
        apart = np.hypot(*np.subtract(one.position, other.position))
        assert apart > one.radius + other.radius


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_object_stands_on_the_table_within_its_footprint(kind, size):
    thing = Thing(kind, "red", size, (0.1, -0.2), 0.7)
    made = surface(thing)
    corners = made.triangles.reshape(-1, 3)
    assert corners[:, 2].min() == pytest.approx(0, abs=1e-6)
    reach = np.hypot(*(corners[:, :2] - thing.position).T)
    assert 0.9 * thing.radius < reach.max() <= 1.001 * thing.radius
    assert np.allclose(np.linalg.norm(made.normals, axis=-1), 1, atol=1e-5)
    assert made.reflectance.min() >= 0
    assert made.reflectance.max() <= 1


def test_large_is_larger_than_small():
    heights = {size: surface(Thing("can", "red", size, (0, 0), 0)).triangles[..., 2].max() for size in SIZES}
    assert heights["large"] / heights["small"] == pytest.approx(SCALES["large"] / SCALES["small"])


@pytest.mark.parametrize("seed", range(3))
def test_boxes_bound_the_masks_that_trimesh_finds_on_its_own(seed):
    import trimesh

    scene, _, camera, _, seen, things = photograph(seed)
    meshes = [trimesh.Trimesh(*_merged(surface(thing).triangles), process=False) for thing in scene.things]
    owner = np.repeat(np.arange(len(meshes)), [len(mesh.faces) for mesh in meshes])
    table = trimesh.Trimesh([[-2, -2, 0], [2, -2, 0], [2, 2, 0], [-2, 2, 0]], [[0, 1, 2], [0, 2, 3]], process=False)
    whole = trimesh.util.concatenate([*meshes, table])
    rays = pixel_rays(camera, SIZE)
    face = whole.ray.intersects_first(np.broadcast_to(camera.position, rays.shape), rays)
    mask = np.append(owner, [TABLE] * 3)[np.minimum(face, len(owner))].reshape(SIZE, SIZE)
    for index, thing in enumerate(things):
        rows, columns = np.nonzero(mask == index)
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == pytest.approx(thing.box, abs=1)
        assert (mask == index).sum() == pytest.approx((seen == index).sum(), rel=0.05, abs=3)


def _merged(triangles):
    return triangles.reshape(-1, 3), np.arange(3 * len(triangles)).reshape(-1, 3)


@pytest.mark.parametrize("seed", range(3))
def test_visible_share_is_what_is_left_when_the_others_stand_in_the_way(seed):
    from dataclasses import replace

    scene, _, camera, _, seen, things = photograph(seed)
    for index, thing in enumerate(things):
        alone = replace(scene, things=(scene.things[index],))
        _, mask = render(Tracer(alone), alone, camera, SIZE, np.random.default_rng(0))
        assert thing.visible == pytest.approx((seen == index).sum() / (mask == 0).sum(), abs=0.002)


@pytest.mark.parametrize("colour", COLOURS)
def test_an_object_has_its_colour_in_the_picture(colour):
    from dataclasses import replace

    rng = np.random.default_rng(1)
    scene = draw_scene("ball", rng)
    ball = replace(scene.things[0], colour=colour, size="large")
    scene = replace(scene, things=(ball,), table="grey", warmth=0.0)
    image, seen = render(Tracer(scene), scene, Camera.draw(0.1, rng), SIZE, rng)
    red, green, blue = image[seen == 0].mean(axis=0)
    expected = {
        "red": red > 1.5 * max(green, blue),
        "green": green > 1.5 * max(red, blue),
        "blue": blue > 1.3 * max(red, green),
        "yellow": min(red, green) > 1.5 * blue,
        "purple": min(red, blue) > 1.3 * green,
        "white": max(red, green, blue) < 1.15 * min(red, green, blue),
    }
    assert expected[colour]


def test_depth_grows_away_from_the_camera():
    camera = Camera((1.0, 0.0, 0.8), (0.0, 0.0, 0.0), 0.0, 0.7)
    assert camera.depth(0.2, 0) == pytest.approx(0.8)
    assert camera.depth(-0.2, 0.1) == pytest.approx(1.2)
