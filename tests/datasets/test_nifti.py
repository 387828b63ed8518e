"""NIfTI volumes: chosen slices are images, in the values of the file, as radiologists look at them."""

import gzip
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from workbench.datasets import check_dataset, open_card, parse_card
from workbench.datasets.card_pixels import Pixels
from workbench.datasets.formats.nifti import axis_and_index, slice_bytes, slice_row
from workbench.datasets.images import decode_image
from workbench.errors import CardError, DataError

nibabel = pytest.importorskip("nibabel", reason="the extra medical is not installed")

CARD = 'name = "brains"\n[source]\ntype = "folder"\npath = "brains"\n[columns]\nlabel = "label"\n'
SHAPE = (4, 6, 10)


def volume(seed: int = 0, affine: np.ndarray | None = None, dtype: type = np.int16) -> bytes:
    values = np.random.default_rng(seed).integers(-500, 500, SHAPE).astype(dtype)
    return nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine).to_bytes()


def values_of(data: bytes) -> np.ndarray:
    return np.load(BytesIO(data))


@pytest.fixture
def brains(tmp_path):
    """Two classes of two volumes each, one of them packed."""
    for i, name in enumerate(("ill/0.nii", "ill/1.nii.gz", "well/2.nii", "well/3.nii.gz")):
        path = tmp_path / "brains" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(volume(i)) if name.endswith("gz") else volume(i))
    return tmp_path / "brains"


def opened(brains, settings, extra=""):
    return open_card(parse_card(CARD + extra, "x.toml"), brains.parent, settings)


def test_the_middle_slice_of_each_volume_is_its_image(brains, settings):
    dataset = opened(brains, settings)
    assert sorted(dataset.ids(range(4))) == [
        "ill/0.nii#axial-5", "ill/1.nii.gz#axial-5", "well/2.nii#axial-5", "well/3.nii.gz#axial-5",
    ]  # fmt: skip
    assert sorted(dataset.group_names(range(4))) == ["ill/0.nii", "ill/1.nii.gz", "well/2.nii", "well/3.nii.gz"]
    low, high = dataset.card.pixels.range
    row = dataset.ids(range(4)).index("ill/1.nii.gz#axial-5")
    # Rows from anterior to posterior, columns from the patient's right, which is the image's left.
    stored = np.random.default_rng(1).integers(-500, 500, SHAPE)[:, :, 5].T[::-1, ::-1]
    found = np.asarray(dataset.decode(row))[..., 0]
    assert np.abs(found - (stored - low) / (high - low) * 255).max() <= 0.5 + 1e-9
    assert any("4 axial slices of 4 NIfTI volumes" in note for note in dataset.notes)


def test_shares_and_numbers_along_an_axis(brains, settings):
    dataset = opened(brains, settings, '[pixels]\nslices = [0.25, 0.5, 1.0, 0]\naxis = "coronal"\n')
    assert [name for name in sorted(dataset.ids(range(len(dataset)))) if "ill/0" in name] == [
        f"ill/0.nii#coronal-{index}" for index in (0, 1, 3, 5)
    ]
    assert len(dataset) == 16
    assert {tuple(dataset.size(row)) for row in range(16)} == {(4, 10)}
    for split in ("train", "val", "test"):
        names = set(dataset.group_names(dataset.rows(split)))
        rest = [row for row in range(16) if row not in dataset.rows(split)]
        assert not names & set(dataset.group_names(rest))


def test_a_number_beyond_a_volume_is_unreadable_and_named(brains, settings):
    report = check_dataset(opened(brains, settings, "[pixels]\nslices = [3, 99]\n"))
    assert len(report.unreadable) == 4
    assert report.formats == {"NIfTI int16": 4}


def test_a_volume_that_lies_otherwise_is_turned():
    turned = np.diag([-1.0, -1.0, 1.0, 1.0])
    plain, other = (values_of(slice_bytes(volume(3, affine), 2, 4)) for affine in (None, turned))
    assert np.array_equal(plain, other[::-1, ::-1])


def test_values_are_scaled_as_the_file_says():
    image = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    image.header.set_slope_inter(2.0, -10.0)
    data = image.to_bytes()
    kept = nibabel.Nifti1Image.from_bytes(data)
    assert np.allclose(values_of(slice_bytes(data, 2, 1)), np.asarray(kept.dataobj)[:, :, 1].T[::-1, ::-1])


def test_a_file_that_nibabel_brings_along():
    data = (Path(nibabel.__file__).parent / "tests" / "data" / "anatomical.nii").read_bytes()
    canonical = np.asarray(nibabel.as_closest_canonical(nibabel.Nifti1Image.from_bytes(data)).dataobj)
    shown = np.asarray(decode_image(slice_bytes(data, 2, 10), Pixels(window=(0, 20000))))[..., 0]
    expected = np.clip(canonical[:, :, 10].T[::-1, ::-1] / 20000, 0, 1) * 255
    assert np.abs(shown - expected).max() <= 0.5 + 1e-4


def test_rows_of_slices_go_both_ways():
    assert [axis_and_index(slice_row(axis, index)) for axis in range(3) for index in (0, 7)] == [
        (axis, index) for axis in range(3) for index in (0, 7)
    ]


@pytest.mark.parametrize("harm", ["cut", "packed and cut", "four dimensions", "colours"])
def test_what_is_no_volume_is_unreadable_and_named(brains, settings, harm):
    colours = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    data = {
        "cut": volume()[:400],
        "packed and cut": gzip.compress(volume())[:300],
        "four dimensions": nibabel.Nifti1Image(np.zeros((3, 3, 3, 2), np.int16), np.eye(4)).to_bytes(),
        "colours": nibabel.Nifti1Image(colours, np.eye(4)).to_bytes(),
    }[harm]
    (brains / "ill" / "bad.nii").write_bytes(data)
    report = check_dataset(opened(brains, settings))
    assert [bad.id for bad in report.unreadable] == ["ill/bad.nii"]
    assert "\n" not in report.unreadable[0].reason
    if harm == "four dimensions":
        assert "(3, 3, 3, 2)" in report.unreadable[0].reason


@pytest.mark.parametrize("said", ["[]", "[1.5]", "[-1]", '"last"', "0.5", "[true]"])
def test_bad_slices_are_refused(said):
    with pytest.raises(CardError, match=r"pixels\.slices: expected 'middle' or a list"):
        parse_card(f"{CARD}[pixels]\nslices = {said}\n", "x.toml")


def test_without_the_extra_the_file_is_named_and_what_to_install(brains, settings, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    with pytest.raises(DataError, match=r"ill/0\.nii is a NIfTI volume.*clip-workbench\[medical\]"):
        opened(brains, settings)
