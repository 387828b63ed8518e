"""Write the images of `mri-planes`."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.medical.mri_planes.slabs import PLANES, cut_slabs
from benchmarks.metadata import assign_splits, write_metadata

MAPS = {"t1": "T1-weighted", "gm": "grey matter map", "wm": "white matter map"}


def generate(
    folder: Path, *, size: int = 160, thickness: int = 4, gap: int = 2, margin: float = 0.35, seed: int = 0
) -> None:
    """Write slices and `metadata.jsonl`.

    Args:
        folder: Filled with `PLANE-MAP/*.png`, 8-bit greyscale.
        size: Side in pixels.
        thickness: Slices a slab (a group).
        gap: Slices left out between slabs.
        margin: Least area of a slice, as a share of the largest.
        seed: Seeds splits and the variation of contrast, angle and noise.
    """
    volumes = _volumes()
    rng = np.random.default_rng(seed)
    slabs = cut_slabs(volumes["t1"], thickness, gap, margin)
    split_of: dict[str, str] = {}
    for plane in PLANES:
        split_of |= assign_splits([slab.name for slab in slabs if slab.plane == plane], rng)
    rows: list[dict[str, Any]] = []
    for slab in slabs:
        for index in slab.indices:
            for name, volume in volumes.items():
                label = f"{slab.plane}-{name}"
                file = f"{label}/{index:03d}.png"
                (folder / label).mkdir(exist_ok=True)
                # Rows run from top to bottom, anatomy from bottom to top.
                plane = np.take(volume, index, axis=PLANES[slab.plane]).T[::-1]
                _picture(plane, size, rng).save(folder / file)
                caption = f"{'an' if slab.plane == 'axial' else 'a'} {slab.plane} {MAPS[name]} of the brain"
                rows.append(
                    {
                        "file_name": file,
                        "label": label,
                        "split": split_of[slab.name],
                        "group": slab.name,
                        "caption": caption,
                    }
                )
    write_metadata(folder, rows)


def _volumes() -> dict[str, npt.NDArray[np.float64]]:
    from nilearn import datasets

    load = {
        "t1": datasets.load_mni152_template,
        "gm": datasets.load_mni152_gm_template,
        "wm": datasets.load_mni152_wm_template,
    }
    return {name: np.asarray(function(resolution=1).get_fdata(), dtype=np.float64) for name, function in load.items()}


def _picture(plane: npt.NDArray[np.float64], size: int, rng: np.random.Generator) -> Image.Image:
    """One slice as a scanner's console would show it: window, level, angle, field of view and noise vary a little."""
    side = max(plane.shape)
    square = np.zeros((side, side))
    top, left = (side - plane.shape[0]) // 2, (side - plane.shape[1]) // 2
    square[top : top + plane.shape[0], left : left + plane.shape[1]] = plane
    gain, level, gamma = rng.uniform(0.85, 1.15), rng.uniform(-0.03, 0.05), rng.uniform(0.85, 1.2)
    shown = np.clip(square / square.max() * gain, 0, 1) ** gamma + level
    shown += rng.normal(0, rng.uniform(0.005, 0.03), shown.shape)
    image = Image.fromarray((np.clip(shown, 0, 1) * 255).astype(np.uint8))
    image = image.rotate(rng.uniform(-8, 8), resample=Image.Resampling.BILINEAR)
    crop = side * rng.uniform(0.0, 0.05)
    return image.resize((size, size), Image.Resampling.BILINEAR, box=(crop, crop, side - crop, side - crop))
