"""Captions as a radiologist would name plane, map and level."""

from benchmarks.medical.mri_planes.slabs import Plane
from benchmarks.medical.mri_planes.volumes import Map

_MAPS: dict[Map, str] = {
    "t1": "T1-weighted MRI slice",
    "gm": "grey matter map",
    "wm": "white matter map",
}


def caption(plane: Plane, name: Map, position: int, side: str) -> str:
    """One sentence, with the level rounded to 10 mm, so that near slices share it.

    Args:
        plane: The plane.
        name: The map.
        position: Millimetres right, anterior or superior of the anterior commissure.
        side: `left` or `right` in the sagittal plane, else empty.
    """
    article = "an" if plane == "axial" else "a"
    return f"{article} {plane} {_MAPS[name]} of the brain, {_level(plane, position, side)}"


def _level(plane: Plane, position: int, side: str) -> str:
    distance = 10 * round(abs(position) / 10)
    if plane == "sagittal":
        return f"about {distance} mm {side} of the midline" if distance else "near the midline"
    if not distance:
        return "at the level of the anterior commissure"
    toward = {"axial": ("above", "below"), "coronal": ("in front of", "behind")}[plane][position < 0]
    return f"about {distance} mm {toward} the anterior commissure"
