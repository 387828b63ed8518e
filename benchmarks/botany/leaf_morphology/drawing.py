"""Paint a leaf: blade, veins, stalk, light, damage, background."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from benchmarks.botany.leaf_morphology.outline import Blade, Points

COLOURS = {
    "green": (74, 128, 52),
    "dark green": (32, 78, 44),
    "yellow-green": (150, 178, 62),
    "purple": (104, 46, 78),
    "yellow": (214, 176, 58),
}
_OVERSAMPLE = 3


@dataclass(frozen=True)
class Style:
    """How a specimen's leaves look.

    Attributes:
        colour: One of `COLOURS`.
        venation: `pinnate` or `palmate`.
        background: RGB of the ground.
    """

    colour: str
    venation: str
    background: tuple[int, int, int]


def paint(blade: Blade, style: Style, size: int, rng: np.random.Generator) -> Image.Image:
    """An RGB image of the leaf, `size` pixels wide and high."""
    big = size * _OVERSAMPLE
    place = _placement(big, rng)
    mask = Image.new("L", (big, big), 0)
    ImageDraw.Draw(mask).polygon([tuple(p) for p in place(blade.points)], fill=255)
    for _ in range(int(rng.poisson(0.5))):
        _bite(mask, place(blade.points), rng)
    leaf = _surface(COLOURS[style.colour], big, rng)
    veins = Image.new("L", (big, big), 0)
    _draw_veins(ImageDraw.Draw(veins), blade, style.venation, place, big, rng)
    light = tuple(min(255, int(c * 0.6 + 110)) for c in COLOURS[style.colour])
    leaf.paste(Image.new("RGB", (big, big), light), mask=veins.point(lambda v: int(v * 0.75)))
    ground = _surface(style.background, big, rng)
    shadow = ImageChops.offset(mask, big // 60, big // 50).filter(ImageFilter.GaussianBlur(big / 70))
    ground.paste(Image.new("RGB", (big, big), (30, 28, 24)), mask=shadow.point(lambda v: int(v * 0.45)))
    stalk = place(np.array([[0.0, 0.03], [rng.normal(0, 0.03), -0.12], [rng.normal(0, 0.05), -0.24]]))
    stalk_colour = tuple(int(c * 0.75) for c in COLOURS[style.colour])
    ImageDraw.Draw(ground).line([tuple(p) for p in stalk], fill=stalk_colour, width=max(3, big // 90), joint="curve")
    ground.paste(leaf, mask=mask)
    return ground.resize((size, size), Image.Resampling.LANCZOS)


class _Placement:
    """From leaf coordinates to pixels."""

    def __init__(self, matrix: Points, offset: Points) -> None:
        self._matrix, self._offset = matrix, offset

    def __call__(self, points: Points) -> Points:
        found: Points = (points - np.array([0.0, 0.42])) @ self._matrix.T + self._offset
        return found


def _placement(big: int, rng: np.random.Generator) -> _Placement:
    turn, scale = rng.normal(0, 0.35), big * rng.uniform(0.6, 0.72)
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    flip = np.diag([float(rng.choice([-1.0, 1.0])), -1.0])  # Pixels count downwards.
    return _Placement(scale * rotate @ flip, big * (0.5 + rng.uniform(-0.04, 0.04, 2)))


def _surface(colour: tuple[int, int, int], big: int, rng: np.random.Generator) -> Image.Image:
    """A colour with blotches, grain and a gradient of light."""
    values: npt.NDArray[np.float64] = np.broadcast_to(np.array(colour, dtype=np.float64), (big, big, 3)).copy()
    blotches = rng.normal(0, 1, (12, 12)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(blotches).resize((big, big), Image.Resampling.BICUBIC))
    y, x = np.mgrid[0:big, 0:big] / big - 0.5
    slope = rng.normal(0, 0.16, 2)
    factor = 1 + 0.06 * smooth + slope[0] * x + slope[1] * y + rng.uniform(-0.1, 0.1)
    values = values * factor[..., None] + rng.normal(0, 5, (big, big, 1)) + rng.normal(0, 6, 3)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _bite(mask: Image.Image, outline: Points, rng: np.random.Generator) -> None:
    """What an insect left: a hole at the edge or inside."""
    centre = outline[int(rng.integers(len(outline)))]
    middle = outline.mean(axis=0)
    x, y = centre + (middle - centre) * rng.uniform(0, 0.6)
    r = mask.width * rng.uniform(0.012, 0.03)
    ImageDraw.Draw(mask).ellipse((x - r, y - r * rng.uniform(0.6, 1), x + r, y + r), fill=0)


def _draw_veins(
    draw: ImageDraw.ImageDraw, blade: Blade, venation: str, place: _Placement, big: int, rng: np.random.Generator
) -> None:
    def line(points: Points, width: float) -> None:
        draw.line([tuple(p) for p in place(points)], fill=255, width=max(1, round(big * width)), joint="curve")

    tip = blade.points[0]
    t = np.linspace(0, 1, 20)[:, None]
    midrib = t * np.array([[0.0, 1.0]]) * tip[1] + t**2 * np.array([[tip[0], 0.0]])
    line(midrib, 0.009)
    if venation == "palmate":
        for end in blade.lobes if len(blade.lobes) > 1 else _fan(blade):
            line(np.linspace([0.0, 0.02], end * 0.94, 12), 0.006)
        return
    for share in np.linspace(0.1, 0.82, int(rng.integers(6, 10))):
        start = midrib[round(share * 19)]
        for side in (-1, 1):
            reach = 0.42 * (1 - 0.55 * share)
            end = start + np.array([side * reach, 0.24 + 0.1 * rng.uniform()])
            curve = start + t * (end - start) + np.array([[0.0, 0.05]]) * (t - t**2) * -1
            line(curve, 0.004)


def _fan(blade: Blade) -> Points:
    """Ends of the main veins of a palmately veined leaf without lobes."""
    share = np.array([0.1, 0.22, 0.78, 0.9])
    found: Points = blade.points[(share * len(blade.points)).astype(int)]
    return found
