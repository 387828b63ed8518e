"""A leaf's botanical traits, and random draws of specimens and their leaves."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Shape = Literal["lanceolate", "ovate", "obovate", "cordate", "palmately lobed", "pinnately lobed"]
Margin = Literal["entire", "serrate", "crenate", "dentate"]
Colour = Literal["green", "dark green", "yellow", "red", "purple"]
Ground = Literal["a herbarium sheet", "sand", "soil", "moss", "a wooden board"]

SHAPES: tuple[Shape, ...] = get_args(Shape)
MARGINS: tuple[Margin, ...] = get_args(Margin)
COLOURS: tuple[Colour, ...] = get_args(Colour)
GROUNDS: tuple[Ground, ...] = get_args(Ground)

_MARGINS_OF: dict[Shape, tuple[Margin, ...]] = {
    # Lobes leave too little margin between them for distinct teeth.
    "palmately lobed": ("entire", "serrate"),
    "pinnately lobed": ("entire", "dentate"),
}


@dataclass(frozen=True)
class Specimen:
    """One plant; its leaves share all of this.

    Attributes:
        shape: Outline of the blade; the class.
        margin: Edge of the blade.
        colour: Of the blade.
        elongation: Length by width of the blade, relative to the shape's usual ratio.
        sharpness: -1..1, how far the outline's exponents are from the middle of the shape's range.
        lobes: Lobes of a palmate leaf, or pairs of lobes of a pinnate one; 0 for the other shapes.
        veins: Pairs of secondary veins.
        teeth: Teeth on each side.
        tooth_depth: Share of the blade's length; 0 for an entire margin.
        petiole: Length of the leaf stalk, share of the blade's length.
    """

    shape: Shape
    margin: Margin
    colour: Colour
    elongation: float
    sharpness: float
    lobes: int
    veins: int
    teeth: int
    tooth_depth: float
    petiole: float

    @property
    def venation(self) -> Literal["palmate", "pinnate"]:
        """Whether the main veins spread from the base or from a midrib."""
        return "palmate" if self.shape in {"palmately lobed", "cordate"} else "pinnate"

    @classmethod
    def draw(cls, shape: Shape, rng: np.random.Generator) -> "Specimen":
        """Draw a plant with leaves of `shape`; everything else is independent of it as far as nature allows."""
        margins = _MARGINS_OF.get(shape, MARGINS)
        margin = margins[rng.integers(len(margins))]
        lobed = {"palmately lobed": (5, 5, 7), "pinnately lobed": (4, 5, 6)}.get(shape, (0,))
        lobes = int(lobed[rng.integers(len(lobed))])
        depth = {"entire": 0.0, "serrate": 0.032, "crenate": 0.026, "dentate": 0.028}[margin]
        if shape == "lanceolate" or lobes:
            depth *= 0.6  # Teeth go by the width of the tissue that bears them.
        return cls(
            shape=shape,
            margin=margin,
            colour=COLOURS[rng.integers(len(COLOURS))],
            elongation=rng.uniform(0.85, 1.2),
            sharpness=rng.uniform(-1, 1),
            lobes=lobes,
            veins=lobes if shape == "pinnately lobed" else int(rng.integers(5, 10)),
            teeth=int(rng.integers(14, 22)) + 6 * (lobes > 0),
            tooth_depth=depth * rng.uniform(0.9, 1.3),
            petiole=rng.uniform(0.18, 0.4),
        )


@dataclass(frozen=True)
class Leaf:
    """One leaf of a plant, as photographed.

    Attributes:
        specimen: The plant.
        ground: The ground that it lies on.
        rotation: Of its tip from upright, radians, counter-clockwise.
        length: Blade and stalk, share of the image's edge.
        bend: Sideways bend of the midrib at the tip, share of the blade's length.
        width: Of this leaf, relative to its plant's.
        light: Direction that the light comes from, radians.
        brightness: Exposure, 1 is neutral.
        bites: Holes that insects ate; position along the margin (0..1, from the base round the tip) and radius.
        spots: Number of brown spots.
    """

    specimen: Specimen
    ground: Ground
    rotation: float
    length: float
    bend: float
    width: float
    light: float
    brightness: float
    bites: tuple[tuple[float, float], ...]
    spots: int

    @classmethod
    def draw(cls, specimen: Specimen, rng: np.random.Generator) -> "Leaf":
        """Draw a leaf of a plant and a photograph of it."""
        bites = int(rng.integers(1, 4)) if rng.random() < 0.3 else 0
        return cls(
            specimen=specimen,
            ground=GROUNDS[rng.integers(len(GROUNDS))],
            rotation=rng.uniform(-1.1, 1.1),
            length=rng.uniform(0.74, 0.94),
            bend=rng.normal(0, 0.05),
            width=rng.uniform(0.93, 1.07),
            light=rng.uniform(0, 2 * np.pi),
            brightness=rng.uniform(0.8, 1.12),
            # Neither at the stalk, which would come off, nor at the tip, by which shapes differ.
            bites=tuple(
                (float(rng.uniform(0.12, 0.42) + 0.46 * rng.integers(2)), float(rng.uniform(0.03, 0.065)))
                for _ in range(bites)
            ),
            spots=int(rng.integers(3, 12)) if rng.random() < 0.25 else 0,
        )
