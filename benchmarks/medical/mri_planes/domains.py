"""Write `mri-planes-domains`: slices as other scanners would image them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from benchmarks.medical.mri_planes.acquisition import Acquisition, acquire
from benchmarks.medical.mri_planes.generate import SIDES
from benchmarks.medical.mri_planes.slabs import LAYOUTS, Slab, slabs
from benchmarks.medical.mri_planes.volumes import MAPS, Map, Volume, load_volumes
from workbench.arrays import FloatArray

COLUMNS = ("file_name", "label", "split", "group", "domain")

Range = tuple[float, float]


@dataclass(frozen=True)
class Domain:
    """A scanner.

    Attributes:
        noise: See `Acquisition`; ranges that its draws are uniform in, as for the next two.
        shading: Strength alone; the direction is any.
        blur: See `Acquisition`.
        voxel: Edge of a pixel in the plane, millimetres.
    """

    noise: Range = (0.01, 0.04)
    shading: Range = (0.0, 0.15)
    blur: Range = (0.2, 0.6)
    voxel: int = 1

    def draw(self, rng: np.random.Generator) -> Acquisition:
        """An acquisition by this scanner."""
        return replace(
            Acquisition.draw(rng),
            noise=rng.uniform(*self.noise),
            shading=(rng.uniform(*self.shading), rng.uniform(0, 2 * np.pi)),
            blur=rng.uniform(*self.blur),
        )

    def seen(self, cut: FloatArray) -> FloatArray:
        """A slice at the scanner's resolution, on the grid of 1 mm that it came on."""
        if self.voxel == 1:
            return cut
        means = ndimage.uniform_filter(cut, self.voxel)[:: self.voxel, :: self.voxel]
        return np.repeat(np.repeat(means, self.voxel, 0), self.voxel, 1)[: cut.shape[0], : cut.shape[1]]


DOMAINS: dict[str, Domain] = {
    "clinic": Domain(),
    "low-field": Domain(noise=(0.16, 0.24)),
    "surface-coil": Domain(shading=(0.75, 1.0)),
    "coarse": Domain(voxel=6, blur=(0.8, 1.2)),
}
"""The first is the one to train on; each of the others differs from it in one respect: noise, bias, resolution."""


def generate_domains(folder: Path, seed: int = 1, size: int = 192, stride: int = 2) -> None:
    """Write the dataset. A group is a slab of neighbouring slices in all maps and domains; see `generate`.

    `clinic` has all slabs. The other domains have those of its test split alone, so that no slice of theirs, nor a
    neighbour of it, is trained on.

    Args:
        folder: Existing, empty folder.
        seed: Seeds the acquisition; slices, groups and splits do not depend on it.
        size: Edge of the square images, pixels.
        stride: Take every stride-th position of a slab only.

    Raises:
        DataError: nilearn is missing, or its template is not the one that the layout was made for.
    """
    volumes = load_volumes()
    (folder / "images").mkdir()
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for place, domain in enumerate(DOMAINS):
            for plane in LAYOUTS:
                for slab in slabs(plane):
                    if place and slab.split != "test":
                        continue
                    part = replace(slab, positions=slab.positions[::stride])
                    for name, volume in volumes.items():
                        writer.writerows(_write_slab(folder, domain, part, name, volume, seed, size))


def _write_slab(
    folder: Path, domain: str, slab: Slab, name: Map, volume: Volume, seed: int, size: int
) -> Iterator[dict[str, str]]:
    from PIL import Image

    about = DOMAINS[domain]
    for distance in slab.positions:
        for side in SIDES[slab.plane]:
            position = -distance if side == "left" else distance
            # Each image draws from its own stream, so that it does not change when others are added.
            stream = [list(LAYOUTS).index(slab.plane), MAPS.index(name), distance + 200, int(side == "left")]
            rng = np.random.default_rng([seed, list(DOMAINS).index(domain), *stream])
            cut = about.seen(volume.slice(slab.plane, position))
            if side == "left":
                cut = cut[:, ::-1]  # Each half is seen from its own side, so the left one faces left.
            pixels = acquire(cut, about.draw(rng), size, rng)
            file = f"images/{domain}-{slab.plane}-{name}-{position:+04d}{'-' * bool(side)}{side}.png"
            Image.fromarray(pixels).save(folder / file, compress_level=3)
            yield {
                "file_name": file,
                "label": f"{slab.plane}-{name}",
                "split": slab.split,
                "group": slab.group,
                "domain": domain,
            }
