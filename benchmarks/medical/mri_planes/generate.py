"""Write `mri-planes`: images and `metadata.csv`."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.medical.mri_planes.acquisition import Acquisition, acquire
from benchmarks.medical.mri_planes.captions import caption
from benchmarks.medical.mri_planes.captions_ja import japanese_caption
from benchmarks.medical.mri_planes.slabs import LAYOUTS, Plane, Slab, slabs
from benchmarks.medical.mri_planes.volumes import MAPS, Map, Volume, load_volumes

COLUMNS = ("file_name", "label", "split", "group", "caption", "caption_ja", "plane", "map", "position_mm", "side")
SIDES: dict[Plane, tuple[str, ...]] = {"axial": ("",), "coronal": ("",), "sagittal": ("left", "right")}


def generate(folder: Path, seed: int = 0, size: int = 192, stride: int = 1) -> None:
    """Write the dataset: every slice of every slab in every map, imaged once (sagittal slices once from each side).

    Args:
        folder: Existing, empty folder.
        seed: Seeds the acquisition; slices, groups and splits do not depend on it.
        size: Edge of the square images, pixels.
        stride: Take every stride-th slab only, for a quick look.

    Raises:
        DataError: nilearn is missing, or its template is not the one that the layout was made for.
    """
    volumes = load_volumes()
    (folder / "images").mkdir()
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for plane in LAYOUTS:
            for slab in slabs(plane)[::stride]:
                for name, volume in volumes.items():
                    writer.writerows(_write_slab(folder, slab, name, volume, seed, size))


def _write_slab(
    folder: Path, slab: Slab, name: Map, volume: Volume, seed: int, size: int
) -> Iterator[dict[str, str | int]]:
    from PIL import Image

    for distance in slab.positions:
        for side in SIDES[slab.plane]:
            position = -distance if side == "left" else distance
            # Each image draws from its own stream, so that it does not change when others are added.
            stream = [list(LAYOUTS).index(slab.plane), MAPS.index(name), distance + 200, int(side == "left")]
            rng = np.random.default_rng([seed, *stream])
            cut = volume.slice(slab.plane, position)
            if side == "left":
                cut = cut[:, ::-1]  # Each half is seen from its own side, so the left one faces left.
            pixels = acquire(cut, Acquisition.draw(rng), size, rng)
            file = f"images/{slab.plane}-{name}-{position:+04d}{'-' * bool(side)}{side}.png"
            Image.fromarray(pixels).save(folder / file, compress_level=3)
            yield {
                "file_name": file,
                "label": f"{slab.plane}-{name}",
                "split": slab.split,
                "group": slab.group,
                "caption": caption(slab.plane, name, position, side),
                "caption_ja": japanese_caption(slab.plane, name, position, side),
                "plane": slab.plane,
                "map": name,
                "position_mm": position,
                "side": side,
            }
