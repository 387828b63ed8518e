"""Cut each axis of a volume into slabs with gaps between them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PLANES = {"sagittal": 0, "coronal": 1, "axial": 2}


@dataclass(frozen=True)
class Slab:
    """Contiguous slices of one plane.

    Attributes:
        plane: `sagittal`, `coronal` or `axial`.
        name: Group name.
        indices: Slice indices along the plane's axis; a sagittal slab holds both sides.
    """

    plane: str
    name: str
    indices: tuple[int, ...]


def cut_slabs(volume: npt.NDArray[np.float64], thickness: int, gap: int, margin: float) -> list[Slab]:
    """Slabs of all planes.

    Args:
        volume: (x, y, z), nonzero inside the head; x is symmetric about its middle.
        thickness: Slices a slab.
        gap: Slices left out between slabs.
        margin: Slices showing less than this share of the largest slice's area are left out.
    """
    inside = volume > 0.05 * volume.max()
    found = []
    for plane, axis in PLANES.items():
        area = inside.sum(axis=tuple(other for other in range(3) if other != axis))
        usable = np.flatnonzero(area >= margin * area.max())
        size = volume.shape[axis]
        if plane == "sagittal":
            # Distance from the midline stands for both sides; index i mirrors to size - 1 - i.
            places = [i for i in usable if i >= size // 2]
        else:
            places = list(usable)
        for number, start in enumerate(range(0, len(places) - thickness + 1, thickness + gap)):
            own = [int(i) for i in places[start : start + thickness]]
            if plane == "sagittal":
                own = sorted({*own, *(size - 1 - i for i in own)})
            found.append(Slab(plane, f"{plane}-{number:02d}", tuple(own)))
    return found
