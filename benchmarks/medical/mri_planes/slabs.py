"""The splits of slices: contiguous slabs with gaps between them, so that no slice's neighbour is in another split."""

from dataclasses import dataclass
from typing import Literal

Plane = Literal["axial", "coronal", "sagittal"]
Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class PlaneLayout:
    """The slabs of one plane.

    Attributes:
        first: First slice, mm of MNI space; for the sagittal plane mm from the midline.
        last: Last slice that may be used, inclusive.
        thickness: Slices (1 mm each) in a slab.
        gap: Slices left out after each slab.
    """

    first: int
    last: int
    thickness: int
    gap: int


# Every slice in range shows all three tissues. Planes differ in thickness so that their classes come out alike in size.
LAYOUTS: dict[Plane, PlaneLayout] = {
    "axial": PlaneLayout(first=-44, last=70, thickness=4, gap=2),
    "coronal": PlaneLayout(first=-92, last=58, thickness=3, gap=3),
    # The template is exactly left-right symmetric: a slice and its mirror image share a distance and thus a slab.
    "sagittal": PlaneLayout(first=0, last=59, thickness=3, gap=2),
}

# Spread evenly over the head, so that every split sees every region: two fifths train, one fifth val, two fifths test.
_CYCLE: tuple[Split, ...] = ("train", "test", "val", "train", "test")


@dataclass(frozen=True)
class Slab:
    """A run of neighbouring slices that belong together.

    Attributes:
        plane: The plane that they are cut in.
        group: Its name, the same for all maps.
        split: Its split.
        positions: Millimetres of MNI space; for the sagittal plane, distances from the midline.
    """

    plane: Plane
    group: str
    split: Split
    positions: tuple[int, ...]


def slabs(plane: Plane) -> list[Slab]:
    """The slabs of a plane, in order of position."""
    layout = LAYOUTS[plane]
    starts = range(layout.first, layout.last - layout.thickness + 2, layout.thickness + layout.gap)
    return [
        Slab(plane, f"{plane}-{number:02d}", _CYCLE[number % len(_CYCLE)], tuple(range(s, s + layout.thickness)))
        for number, s in enumerate(starts)
    ]
