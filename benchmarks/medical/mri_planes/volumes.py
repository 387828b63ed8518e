"""The template's three maps, and slices of them as a radiologist hangs them.

MNI ICBM152 2009a non-linear symmetric (Fonov et al., NeuroImage 2011), skull-stripped, 1 mm voxels, as nilearn has it.
"""

from typing import Literal

import numpy as np

from benchmarks.medical.mri_planes.slabs import Plane
from workbench.arrays import FloatArray
from workbench.errors import DataError

Map = Literal["t1", "gm", "wm"]
MAPS: tuple[Map, ...] = ("t1", "gm", "wm")
_AXES: dict[Plane, int] = {"sagittal": 0, "coronal": 1, "axial": 2}


class Volume:
    """One map on its voxel grid.

    Args:
        data: float32, values 0..1, axes right, anterior, superior.
        origin: Voxel index of the MNI origin (the anterior commissure).
    """

    def __init__(self, data: FloatArray, origin: tuple[int, int, int]) -> None:
        self._data = data
        self._origin = origin

    def slice(self, plane: Plane, position: int) -> FloatArray:
        """The slice at `position` mm, superior (axial: anterior) edge up; a sagittal slice has its front on the right.

        Args:
            plane: The plane.
            position: Millimetres right, anterior or superior of the origin.

        Returns:
            float32 (height, width), 1 mm pixels.
        """
        axis = _AXES[plane]
        cut: FloatArray = np.moveaxis(self._data, axis, 0)[self._origin[axis] + position]
        return np.ascontiguousarray(cut.T[::-1])


def load_volumes() -> dict[Map, Volume]:
    """All three maps at their own resolution, so that nothing is resampled.

    Raises:
        DataError: nilearn is not installed, or its template is not the symmetric 1 mm one.
    """
    try:
        from nilearn import datasets
    except ImportError as error:
        raise DataError(
            "mri-planes is cut from the template that nilearn ships: pip install 'clip-workbench[quickstart]'."
        ) from error
    loaders = {
        "t1": datasets.load_mni152_template,
        "gm": datasets.load_mni152_gm_template,
        "wm": datasets.load_mni152_wm_template,
    }
    return {name: _volume(name, loaders[name](resolution=1)) for name in MAPS}


def _volume(name: Map, image: object) -> Volume:
    affine = np.asarray(image.affine)  # type: ignore[attr-defined]
    data = np.asarray(image.dataobj, dtype=np.float32)  # type: ignore[attr-defined]
    if not np.array_equal(affine[:3, :3], np.eye(3)):
        raise DataError(
            f"nilearn's MNI152 template ({name}) lacks the 1 mm voxels that mri-planes needs; use nilearn >= 0.12."
        )
    if not np.array_equal(data, data[::-1]):
        raise DataError(f"nilearn's MNI152 template ({name}) is not left-right symmetric, as mri-planes assumes.")
    x, y, z = (-affine[:3, 3]).astype(int).tolist()
    return Volume(data / data.max(), (x, y, z))
