"""A photograph of a leaf."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import ndimage

from benchmarks.botany.leaf_morphology.outline import outline
from benchmarks.botany.leaf_morphology.texture import field, grain, ground
from benchmarks.botany.leaf_morphology.traits import Colour, Leaf
from benchmarks.botany.leaf_morphology.venation import veins
from workbench.arrays import AnyArray, FloatArray

_OVERSAMPLING = 2
_BLADES: dict[Colour, tuple[int, int, int]] = {
    "green": (92, 150, 56),
    "dark green": (34, 84, 42),
    "yellow": (226, 188, 52),
    "red": (186, 44, 34),
    "purple": (98, 44, 84),
}
_VEINS: dict[Colour, tuple[int, int, int]] = {
    "green": (168, 206, 124),
    "dark green": (116, 160, 104),
    "yellow": (250, 230, 150),
    "red": (234, 132, 84),
    "purple": (172, 100, 146),
}


@dataclass(frozen=True)
class Setting:
    """What a leaf is photographed on.

    Attributes:
        ground: Draws it, float32 (size, size, 3) of 0..255, from a generator and a size.
        shadow: How dark the leaf's shadow is, 0..1.
    """

    ground: Callable[[np.random.Generator, int], AnyArray]
    shadow: float = 0.5


def render(
    leaf: Leaf, size: int, rng: np.random.Generator, setting: Setting | None = None
) -> tuple[AnyArray, AnyArray]:
    """Draw a leaf on its ground.

    Args:
        leaf: The leaf.
        size: Edge of the square image.
        rng: Draws textures and noise.
        setting: Takes the place of the leaf's own ground.

    Returns:
        The image, uint8 (size, size, 3), and the blade's and stalk's coverage, float32 (size, size), 0..1.
    """
    big = size * _OVERSAMPLING
    place = _Placement(leaf, big)
    edge = outline(leaf.specimen, leaf.width)
    blade = _polygon(place(edge), big)
    for at, radius in leaf.bites:
        blade &= ~_disc(place(edge[[int(at * (len(edge) - 1))]])[0], radius * place.scale, big)
    stalk = _lines([(place(_stalk(leaf)), 0.028 * place.scale)], big)
    widths = {1: 0.02, 2: 0.011, 3: 0.005}
    drawn = [(place(vein.points), widths[vein.order] * place.scale) for vein in veins(leaf.specimen)]
    nerves = _lines(drawn, big) & blade
    solid = _shrink((blade | stalk).astype(np.float32))
    nerve = _shrink((nerves | (stalk & ~blade)).astype(np.float32))

    own = Setting(partial(ground, leaf.ground))
    picture = _on_ground(leaf, setting or own, solid, size, rng)
    surface = _surface(leaf, place, _shrink(blade.astype(np.float32)), nerve, size, rng)
    picture = picture * (1 - solid[..., None]) + surface * solid[..., None]
    picture = picture * leaf.brightness + rng.normal(0, 2.0, (size, size, 1))
    return np.asarray(np.rint(np.clip(picture, 0, 255)), dtype=np.uint8), solid


class _Placement:
    """Leaf coordinates to pixels: bend, turn, scale, and centre blade and stalk in the image."""

    def __init__(self, leaf: Leaf, size: int) -> None:
        self._bend = leaf.bend
        turn = leaf.rotation
        self._turn = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        body = self._turned(np.concatenate([outline(leaf.specimen, leaf.width), _stalk(leaf)]))
        low, high = body.min(axis=0), body.max(axis=0)
        self.scale = float(leaf.length * size / max((high - low).max(), 1e-9))
        self._shift = np.array([size, size]) / 2 - self.scale * (low + high) / 2 * [1, -1]

    def _turned(self, points: AnyArray) -> AnyArray:
        bent = points + np.stack([self._bend * points[:, 1] * np.abs(points[:, 1]), 0 * points[:, 1]], axis=1)
        return np.asarray(bent @ self._turn.T)

    def __call__(self, points: AnyArray) -> AnyArray:
        """Pixels, (n, 2) as x and y; y points down."""
        return np.asarray(self._turned(points) * [self.scale, -self.scale] + self._shift)

    def side(self, size: int) -> FloatArray:
        """-1 left and 1 right of the midrib, with a soft step at it, for each pixel of an image of edge `size`."""
        rows, columns = (_OVERSAMPLING * axis for axis in np.ogrid[0:size, 0:size])
        across = (columns - self._shift[0]) * self._turn[0, 0] - (rows - self._shift[1]) * self._turn[1, 0]
        return np.asarray(np.tanh(across / (0.03 * self.scale)), dtype=np.float32)


def _stalk(leaf: Leaf) -> AnyArray:
    """The stalk, from where it meets the blade to beyond the lobes behind that."""
    behind = -min(0.0, float(outline(leaf.specimen, leaf.width)[:, 1].min()))
    down = np.linspace(0, -behind - leaf.specimen.petiole, 12)
    return np.stack([3 * leaf.bend * down * down, down], axis=1)


def _polygon(points: AnyArray, size: int) -> AnyArray:
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (size, size))
    ImageDraw.Draw(canvas).polygon([tuple(point) for point in points.tolist()], fill=1)
    return np.asarray(canvas) > 0


def _lines(lines: list[tuple[AnyArray, float]], size: int) -> AnyArray:
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (size, size))
    draw = ImageDraw.Draw(canvas)
    for points, width in lines:
        draw.line([tuple(point) for point in points.tolist()], fill=1, width=max(1, round(width)))
    return np.asarray(canvas) > 0


def _disc(centre: AnyArray, radius: float, size: int) -> AnyArray:
    rows, columns = np.ogrid[0:size, 0:size]
    return np.asarray((columns - centre[0]) ** 2 + (rows - centre[1]) ** 2 < radius**2)


def _shrink(mask: FloatArray) -> FloatArray:
    step = _OVERSAMPLING
    parts = [mask[row::step, column::step] for row in range(step) for column in range(step)]
    return np.asarray(sum(parts[1:], start=parts[0]) / step**2, dtype=np.float32)


def _on_ground(leaf: Leaf, setting: Setting, solid: FloatArray, size: int, rng: np.random.Generator) -> AnyArray:
    """The ground with the leaf's shadow on it."""
    away = 0.018 * size
    shadow = ndimage.shift(solid, (away * np.sin(leaf.light), -away * np.cos(leaf.light)), order=1)
    shadow = ndimage.gaussian_filter(shadow, 0.012 * size)
    return np.asarray(setting.ground(rng, size) * (1 - setting.shadow * shadow[..., None]))


def _surface(
    leaf: Leaf, place: _Placement, blade: FloatArray, nerve: FloatArray, size: int, rng: np.random.Generator
) -> AnyArray:
    """Blade and veins under the light."""
    tint = np.array(_BLADES[leaf.specimen.colour], np.float32) + rng.normal(0, 7, 3).astype(np.float32)
    vein = np.array(_VEINS[leaf.specimen.colour], np.float32)
    # The halves of a blade meet at the midrib in a shallow V, so one of them faces the light.
    facing = np.cos(leaf.light - leaf.rotation)
    tone = 1 + 0.1 * facing * place.side(size) + 0.07 * grain(rng, size) / 1.6
    # Tissue bulges between sunken veins and curls at the edge.
    relief = ndimage.gaussian_filter(nerve, 0.009 * size)
    slope = np.gradient(relief, axis=1) * np.cos(leaf.light) - np.gradient(relief, axis=0) * np.sin(leaf.light)
    rim = ndimage.gaussian_filter(blade, 0.02 * size)
    tone = tone - 1.8 * slope - 0.25 * np.clip(1 - rim, 0, 0.5)
    colour = tint * tone[..., None]
    for _ in range(leaf.spots):
        centre = rng.uniform(0.2, 0.8, 2) * size
        spot = _disc(centre, rng.uniform(0.01, 0.03) * size, size) & (field(rng, size, (40, 40)) > -0.8)
        amount = ndimage.gaussian_filter(spot.astype(np.float32), 0.8)[..., None]
        colour = colour * (1 - 0.75 * amount) + 0.75 * amount * np.array([94, 62, 34], np.float32)
    share = 0.75 * nerve[..., None]
    return np.asarray(colour * (1 - share) + vein * share)
