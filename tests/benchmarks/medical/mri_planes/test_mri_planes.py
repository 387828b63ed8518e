import csv
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("nilearn", reason="mri-planes needs the quickstart extra")

from benchmarks.medical.mri_planes import generate
from benchmarks.medical.mri_planes.acquisition import Acquisition, acquire
from benchmarks.medical.mri_planes.slabs import LAYOUTS, slabs
from benchmarks.medical.mri_planes.volumes import MAPS, load_volumes
from workbench.datasets.sources.generator import content_checksum

ALL_SLABS = [slab for plane in LAYOUTS for slab in slabs(plane)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("mri")
    generate(path, size=64, stride=4)
    return path


@pytest.fixture(scope="module")
def rows(folder):
    with (folder / "metadata.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def volumes():
    return load_volumes()


def test_slices_of_different_splits_are_never_neighbours():
    for one, other in combinations(ALL_SLABS, 2):
        if one.plane == other.plane and one.split != other.split:
            nearest = min(abs(a - b) for a in one.positions for b in other.positions)
            assert nearest > 2, (one.group, other.group)


def test_slabs_are_contiguous_and_share_no_slice():
    for slab in ALL_SLABS:
        assert list(np.diff(slab.positions)) == [1] * (len(slab.positions) - 1)
    seen = Counter((slab.plane, position) for slab in ALL_SLABS for position in slab.positions)
    assert set(seen.values()) == {1}


def test_test_split_has_enough_groups_for_intervals():
    assert len({slab.group for slab in ALL_SLABS if slab.split == "test"}) >= 20


def test_every_plane_has_every_split_and_planes_are_alike_in_size():
    images = Counter()
    for slab in ALL_SLABS:
        images[slab.plane] += len(slab.positions) * (2 if slab.plane == "sagittal" else 1)
    assert max(images.values()) < 1.15 * min(images.values())
    assert {(slab.plane, slab.split) for slab in ALL_SLABS} == {
        (plane, split) for plane in LAYOUTS for split in ("train", "val", "test")
    }


def test_slice_reads_the_voxels_that_nilearn_has_at_those_coordinates(volumes):
    from nilearn import datasets

    image = datasets.load_mni152_gm_template(resolution=1)
    data = image.get_fdata()
    to_voxel = np.linalg.inv(image.affine)
    rng = np.random.default_rng(0)
    shape = data.shape
    for x, y, z in rng.integers(-40, 40, (20, 3)):
        i, j, k = (to_voxel @ [x, y, z, 1])[:3].round().astype(int)
        expected = data[i, j, k] / data.max()
        assert volumes["gm"].slice("axial", z)[shape[1] - 1 - j, i] == pytest.approx(expected, abs=1e-6)
        assert volumes["gm"].slice("coronal", y)[shape[2] - 1 - k, i] == pytest.approx(expected, abs=1e-6)
        assert volumes["gm"].slice("sagittal", x)[shape[2] - 1 - k, j] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", MAPS)
def test_sagittal_slices_of_both_sides_are_equal_which_is_why_they_share_a_group(volumes, name):
    assert np.array_equal(volumes[name].slice("sagittal", 23), volumes[name].slice("sagittal", -23))
    assert not np.array_equal(volumes[name].slice("sagittal", 23), volumes[name].slice("sagittal", 33))


def test_a_distance_from_the_midline_lies_in_one_group(rows):
    groups = defaultdict(set)
    for row in rows:
        if row["plane"] == "sagittal":
            groups[abs(int(row["position_mm"]))].add((row["group"], row["split"]))
    assert groups
    assert all(len(found) == 1 for found in groups.values())


def test_groups_never_straddle_splits(rows):
    splits = defaultdict(set)
    for row in rows:
        splits[row["group"]].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())


def test_maps_of_a_plane_have_the_same_slices(rows):
    by_label = defaultdict(set)
    for row in rows:
        by_label[row["label"]].add((row["group"], row["position_mm"], row["side"]))
    assert len(by_label) == 9
    for plane in LAYOUTS:
        assert len({frozenset(by_label[f"{plane}-{name}"]) for name in MAPS}) == 1


def test_caption_says_plane_map_and_side(rows):
    words = {"t1": "T1-weighted", "gm": "grey matter", "wm": "white matter"}
    for row in rows:
        assert row["plane"] in row["caption"]
        assert words[row["map"]] in row["caption"]
        position = int(row["position_mm"])
        if row["plane"] == "axial" and abs(position) > 5:
            assert ("above" if position > 0 else "below") in row["caption"]
        if row["plane"] == "coronal" and abs(position) > 5:
            assert ("in front of" if position > 0 else "behind") in row["caption"]
        if row["plane"] == "sagittal" and abs(position) > 5:
            assert ("right" if position > 0 else "left") in row["caption"]


def test_images_are_greyscale_and_show_a_brain(folder, rows):
    for row in rows[::7]:
        image = Image.open(folder / row["file_name"])
        assert (image.mode, image.size) == ("L", (64, 64))
        pixels = np.asarray(image, dtype=float)
        assert pixels[16:48, 16:48].mean() > pixels[:4].mean() + 10


def test_same_seed_same_files_other_seed_other_pixels(tmp_path):
    checksums = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / name).mkdir()
        generate(tmp_path / name, seed=seed, size=48, stride=13)
        checksums.append(content_checksum(tmp_path / name))
    assert checksums[0] == checksums[1] != checksums[2]
    assert (tmp_path / "a" / "metadata.csv").read_bytes() == (tmp_path / "c" / "metadata.csv").read_bytes()


def test_noise_free_acquisition_keeps_a_flat_slice_flat():
    settings = Acquisition(0, 1, (0, 0), 0.5, level=0.5, width=1, shading=(0, 0), noise=0)
    image = acquire(np.full((400, 400), 0.6, np.float32), settings, 32, np.random.default_rng(0))
    assert set(np.unique(image)) == {round(0.6 * 255)}


def test_missing_nilearn_is_one_sentence(monkeypatch, tmp_path: Path):
    import sys

    from workbench.errors import DataError

    monkeypatch.setitem(sys.modules, "nilearn", None)
    with pytest.raises(DataError, match="quickstart"):
        generate(tmp_path)
