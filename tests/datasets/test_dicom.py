"""DICOM files: pixels as their tags say, patients as groups, and nothing that says who they are."""

import logging
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from workbench.datasets import check_dataset, open_card, open_dataset, parse_card
from workbench.datasets.card_pixels import Pixels
from workbench.datasets.formats import format_of
from workbench.datasets.headers import read_extrema, read_header
from workbench.datasets.images import decode_image, image_size
from workbench.datasets.unreadable import UnreadableImageError
from workbench.errors import DataError
from workbench.features.unlabelled import ImageFiles

pydicom = pytest.importorskip("pydicom", reason="the extra medical is not installed")

CARD = 'name = "ward"\n[source]\ntype = "folder"\npath = "ward"\n[columns]\nlabel = "label"\n'


def shipped(name: str) -> Path:
    """A file that pydicom brings along."""
    from pydicom.data import get_testdata_file

    return Path(get_testdata_file(name, download=False))


def dicom(values: np.ndarray, patient: str = "P1", **tags: object) -> bytes:
    """A file of unsigned or signed 16-bit values, or of 8-bit ones; several frames where there are three dimensions."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "Doe^Jane", patient, "19600102"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = f"1.2.{len(patient)}", "1.2.3", "CT"
    ds.PhotometricInterpretation, ds.SamplesPerPixel = "MONOCHROME2", 1
    ds.BitsAllocated = ds.BitsStored = 8 * values.dtype.itemsize
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(values.dtype.kind == "i")
    ds.Rows, ds.Columns = values.shape[-2:]
    if values.ndim == 3:
        ds.NumberOfFrames = len(values)
    ds.PixelData = values.tobytes()
    for name, value in tags.items():
        setattr(ds, name, value)
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def grey_of(data: bytes, **settings: object) -> np.ndarray:
    return np.asarray(decode_image(data, Pixels(**settings)))[..., 0]


def linear(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Unrounded."""
    return np.clip((values - low) / (high - low), 0, 1) * 255


def is_rounded(grey: np.ndarray, exact: np.ndarray) -> bool:
    return bool(np.abs(grey - exact).max() <= 0.5 + 1e-9)


RAMP = np.arange(-1000, 1000, 20, dtype=np.int16).reshape(10, 10)


@pytest.fixture
def ward(tmp_path):
    """Two classes of scans of four patients, two scans each."""
    for label in ("ill", "well"):
        (tmp_path / "ward" / label).mkdir(parents=True)
        for i in range(4):
            patient = f"{label}-{i // 2}"
            values = RAMP + np.int16(10 * i + 100 * (label == "ill"))
            scan = dicom(values, patient, RescaleSlope=1, RescaleIntercept=-24)
            (tmp_path / "ward" / label / f"{i}.dcm").write_bytes(scan)
    return tmp_path / "ward"


def opened(ward, settings, extra=""):
    return open_card(parse_card(CARD + extra, "x.toml"), ward.parent, settings)


def test_a_ct_slice_is_the_plain_computation_from_its_tags():
    data = shipped("CT_small.dcm").read_bytes()
    ds = pydicom.dcmread(BytesIO(data))
    stored = np.frombuffer(ds.PixelData, dtype="<i2").reshape(ds.Rows, ds.Columns).astype(float)
    values = stored * ds.RescaleSlope + ds.RescaleIntercept
    assert is_rounded(grey_of(data, window="soft"), linear(values, -150, 250))
    assert is_rounded(grey_of(data, range=(-1000, 2000)), linear(values, -1000, 2000))
    assert is_rounded(grey_of(data, window="lung", invert=True), 255 - linear(values, -1350, 150))
    assert read_extrema(data) == (values.min(), values.max())
    assert image_size(data) == (ds.Columns, ds.Rows)


def test_the_window_of_a_file_counts_where_the_card_has_none():
    data = dicom(RAMP, WindowCenter=[100, 5], WindowWidth=[400, 5])
    # PS3.3 C.11.2.1.2.1: a width of w has w - 1 steps about c - 0.5.
    low, high = 100 - 0.5 - 399 / 2, 100 - 0.5 + 399 / 2
    assert read_header(data).windowed
    assert np.abs(grey_of(data, range=(0, 1)) - linear(RAMP, low, high)).max() <= 1
    assert is_rounded(grey_of(data, window=(0, 500)), linear(RAMP, 0, 500))
    exact = dicom(RAMP, WindowCenter=100, WindowWidth=400, VOILUTFunction="LINEAR_EXACT")
    assert np.abs(grey_of(exact) - linear(RAMP, -100, 300)).max() <= 1
    sigmoid = dicom(RAMP, WindowCenter=100, WindowWidth=400, VOILUTFunction="SIGMOID")
    assert np.abs(grey_of(sigmoid) - 255 / (1 + np.exp(-4 * (RAMP - 100) / 400))).max() <= 1
    assert not read_header(dicom(RAMP, WindowCenter=100, WindowWidth=0)).windowed


def test_a_voi_table_counts_before_a_window():
    item = pydicom.Dataset()
    item.LUTDescriptor, item.LUTData = [4, 0, 8], bytes([10, 0, 200, 0, 30, 0, 250, 0])
    values = np.array([[0, 1], [2, 9]], dtype=np.uint16)
    data = dicom(values, VOILUTSequence=[item], WindowCenter=1, WindowWidth=2)
    assert grey_of(data).tolist() == [[10, 200], [30, 250]]


def test_monochrome1_is_inverted_and_8_bits_are_as_they_are():
    values = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert np.array_equal(grey_of(dicom(values)), values)
    assert np.array_equal(grey_of(dicom(values, PhotometricInterpretation="MONOCHROME1")), 255 - values)
    deep = dicom(RAMP, PhotometricInterpretation="MONOCHROME1")
    assert is_rounded(grey_of(deep, window=(-500, 500)), 255 - linear(RAMP, -500, 500))


def test_padding_does_not_widen_the_range():
    values = RAMP.copy()
    values[0] = -2000
    assert read_extrema(dicom(values)) == (-2000, 980)
    assert read_extrema(dicom(values, PixelPaddingValue=-2000)) == (-800, 980)


def test_of_several_frames_the_middle_one_is_read_unless_the_card_names_one(tmp_path, settings):
    frames = np.stack([np.full((4, 4), level, np.uint16) for level in (0, 100, 200, 300)])
    data = dicom(frames)
    assert [int(grey_of(data, range=(0, 300), page=page)[0, 0]) for page in (None, 1, 4)] == [170, 0, 255]
    with pytest.raises(UnreadableImageError, match=r"has 4 frames, and pixels\.page of the card is 5"):
        grey_of(data, page=5)
    for name in ("a/0.dcm", "b/1.dcm"):
        (tmp_path / "ward" / name).parent.mkdir(parents=True)
        (tmp_path / "ward" / name).write_bytes(data)
    dataset = opened(tmp_path / "ward", settings)
    assert any("up to 4" in note and "the middle is read" in note for note in dataset.notes)


def test_frames_of_enhanced_files_have_their_own_rescaling():
    def group(slope):
        own, rescale = pydicom.Dataset(), pydicom.Dataset()
        rescale.RescaleIntercept, rescale.RescaleSlope = 0, slope
        own.PixelValueTransformationSequence = [rescale]
        return own

    frames = np.full((2, 3, 3), 10, np.uint16)
    data = dicom(frames, PerFrameFunctionalGroupsSequence=[group(1), group(4)])
    assert [int(grey_of(data, window=(0, 51), page=page)[0, 0]) for page in (1, 2)] == [50, 200]
    assert read_extrema(data) == (10, 40)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("MR_small_implicit.dcm", "MR_small.dcm"),
        ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm"),
    ],
)
def test_compressed_files_have_the_pixels_of_plain_ones(name, plain):
    pytest.importorskip("openjpeg", reason="the extra medical is not installed")
    first, second = (np.asarray(decode_image(shipped(each).read_bytes())) for each in (name, plain))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("examples_palette.dcm", "PALETTE COLOR"),
        ("SC_rgb_rle_16bit.dcm", "RGB"),
        ("examples_ybr_color.dcm", "YBR_FULL_422"),
    ],
)
def test_colours_are_rgb(name, kind):
    data = shipped(name).read_bytes()
    image = decode_image(data)
    assert (image.mode, image.size == image_size(data), kind in format_of(data).kind(data)) == ("RGB", True, True)
    assert np.ptp(np.asarray(image).astype(int), axis=-1).max() > 20


def test_one_range_for_the_dataset_and_patients_as_groups(ward, settings):
    dataset = opened(ward, settings)
    assert dataset.card.pixels.range == (-1024, 980 + 130 - 24)
    groups = dataset.group_names(range(8))
    assert len(set(groups)) == 4
    assert all(group.startswith("patient-") for group in groups)
    assert any("The patient of 8 DICOM files (PatientID, hashed)" in note for note in dataset.notes)
    assert {row["modality"] for row in dataset.extra(range(8))} == {"CT"}
    for name in ("train", "val", "test"):
        rows = dataset.rows(name)
        others = [row for row in range(8) if row not in rows]
        assert not set(dataset.group_names(rows)) & set(dataset.group_names(others))
    again = open_card(parse_card(CARD.replace("ward", "other", 1), "x.toml"), ward.parent, settings)
    assert not set(groups) & set(again.group_names(range(8)))
    plain = opened(ward, settings, '[dicom]\nids = "plain"\n')
    assert set(plain.group_names(range(8))) == {"ill-0", "ill-1", "well-0", "well-1"}


def test_nothing_says_who_the_patient_is(ward, settings, caplog, recwarn, capfd):
    bad = dicom(RAMP, "secret-9", PatientBirthDate="2nd of May")
    (ward / "ill" / "bad.dcm").write_bytes(bad[:-40])
    with caplog.at_level(logging.DEBUG):
        dataset = opened(ward, settings)
        report = check_dataset(dataset)
    assert [each.id for each in report.unreadable] == ["ill/bad.dcm"]
    warned = [str(own.message) for own in recwarn]
    said = [str(report), str(report.to_dict()), caplog.text, *warned, *capfd.readouterr()]
    kept = [path.read_bytes().decode("latin-1") for path in settings.cache.rglob("*") if path.is_file()]
    for secret in ("Doe", "Jane", "19600102", "2nd of May", "secret-9", "1.2.3"):
        assert not any(secret in text for text in [*said, *kept]), secret


def test_files_without_a_suffix_and_a_table_of_files(ward, settings):
    for path in sorted((ward / "ill").iterdir()):
        path.rename(path.with_name(f"1.2.840.{path.stem}"))
    (ward / "ill" / "DICOMDIR").write_bytes(dicom(RAMP))
    (ward / "ill" / "notes").write_text("no image")
    assert len(opened(ward, settings)) == 8
    assert len(open_dataset(str(ward), settings)) == 8
    files = sorted(path for path in ward.rglob("*.*") if path.is_file())
    rows = [f"{path.relative_to(ward).as_posix()},{path.parent.name},s{i % 3}" for i, path in enumerate(files)]
    (ward.parent / "t.csv").write_text("\n".join(["file,label,site", *rows]))
    table = '[source]\ntype = "csv"\npath = "t.csv"\nroot = "ward"\n[columns]\nimage = "file"\nlabel = "label"\n'
    card = 'name = "t"\n' + table
    by_patient = open_card(parse_card(card, "t.toml"), ward.parent, settings)
    by_site = open_card(parse_card(card + 'group = "site"\n', "t.toml"), ward.parent, settings)
    assert (len(by_patient), len(set(by_patient.group_names(range(8))))) == (8, 4)
    assert set(by_site.group_names(range(8))) == {"s0", "s1", "s2"}


def test_members_of_tar_shards_are_read(tmp_path, settings):
    import tarfile

    with tarfile.open(tmp_path / "ward.tar", "w") as tar:
        for i in range(6):
            for name, data in ((f"{i}.dcm", dicom(RAMP, f"p{i // 2}")), (f"{i}.cls", b"ab"[i % 2 : i % 2 + 1])):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, BytesIO(data))
    card = parse_card(
        'name = "ward"\n[source]\ntype = "webdataset"\npath = "ward.tar"\n[columns]\nlabel = "cls"\n', "x"
    )
    dataset = open_card(card, tmp_path, settings)
    assert (len(dataset), len(set(dataset.group_names(range(6))))) == (6, 3)
    assert dataset.decode(0).size == (10, 10)


def test_burned_in_text_and_files_without_an_image_are_found(ward, settings):
    (ward / "ill" / "0.dcm").write_bytes(dicom(RAMP, BurnedInAnnotation="YES"))
    shutil.copy(shipped("rtplan.dcm"), ward / "well" / "plan.dcm")
    shutil.copy(shipped("MR_truncated.dcm"), ward / "well" / "cut.dcm")
    report = check_dataset(opened(ward, settings))
    assert report.burned_in == ("ill/0.dcm",)
    assert {bad.id: bad.reason for bad in report.unreadable} == {
        "well/plan.dcm": "the DICOM file holds no image (modality RTPLAN)",
        "well/cut.dcm": (
            "its pixels, DICOM in transfer syntax 'Explicit VR Little Endian', cannot be decoded (ValueError)"
        ),
    }
    assert report.formats["DICOM CT MONOCHROME2"] == 8


@pytest.mark.parametrize("harm", ["cut", "zeroed", "noise", "empty"])
def test_damaged_files_are_unreadable_with_a_reason(harm):
    data = dicom(RAMP)
    damaged = {
        "cut": data[:200],
        "zeroed": data[:140] + bytes(len(data) - 140),
        "noise": data[:300] + bytes(range(256)),
        "empty": b"",
    }
    assert read_header(damaged[harm]).pages == 1
    with pytest.raises(UnreadableImageError) as raised:
        decode_image(damaged[harm])
    assert "\n" not in str(raised.value)


def test_without_the_extra_the_file_is_named_and_what_to_install(ward, settings, monkeypatch):
    from workbench.datasets.formats import _pydicom

    monkeypatch.setitem(__import__("sys").modules, "pydicom", None)
    _pydicom.pydicom.cache_clear()
    try:
        with pytest.raises(DataError) as raised:
            opened(ward, settings)
        assert str(raised.value) == (
            "dataset 'ward': ill/0.dcm is a DICOM file, which needs further packages: pip install "
            "'clip-workbench[medical]'."
        )
        with pytest.raises(DataError, match=r"0.dcm is a DICOM file"):
            ImageFiles(ward / "ill", ["0.dcm"]).hashes(np.arange(1))
    finally:
        _pydicom.pydicom.cache_clear()
