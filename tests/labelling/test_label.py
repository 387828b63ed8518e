"""`workbench label` and `predict` from a folder to a table."""

import csv
import json
import re

import numpy as np
import openpyxl
import pyarrow.parquet as pq
import pytest
from PIL import Image

import workbench
from workbench.arrays import normalise
from workbench.cli import main
from workbench.features import CachedModel, FeatureStore
from workbench.metrics.functional import softmax
from workbench.models import open_model
from workbench.settings import Settings

COLOURS = ("red", "green", "blue")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for i, colour in enumerate(COLOURS):
        (folder / f"plant{i % 2}").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 32), colour).save(folder / f"plant{i % 2}" / f"{colour}.png")
    (folder / "broken.png").write_bytes(b"no image")
    (folder / "notes.txt").write_text("not an image")
    (tmp_path / "species.csv").write_text("name,description\n" + "".join(f"{c},all of it is {c}\n" for c in COLOURS))
    return folder


def label(photos, tiny_model, *options):
    """Runs the command; returns its exit code."""
    fixed = ["--classes", str(photos.parent / "species.csv"), "--cache", str(photos.parent / "cache")]
    with pytest.raises(SystemExit) as ended:
        main(["label", str(photos), "--model", tiny_model, "--device", "cpu", "--precision", "fp32", *fixed, *options])
    return ended.value.code


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "xlsx", "jsonl"])
def test_the_suffix_says_the_format(photos, tiny_model, tmp_path, suffix, capsys):
    path = tmp_path / f"labels.{suffix}"
    assert not label(photos, tiny_model, "--output", str(path), "--group-by", "folder", "--top", "2")
    read = {
        "csv": lambda: list(csv.DictReader(path.open())),
        "tsv": lambda: list(csv.DictReader(path.open(), delimiter="\t")),
        "parquet": lambda: pq.read_table(path).to_pylist(),
        "jsonl": lambda: [json.loads(line) for line in path.read_text().splitlines()],
        "xlsx": lambda: [
            dict(zip([c.value for c in rows[0]], [c.value for c in row], strict=True)) for row in rows[1:]
        ],
    }
    rows = list(openpyxl.load_workbook(path).active.rows) if suffix == "xlsx" else []
    found = read[suffix]()
    assert [row["file"] for row in found] == ["broken.png", "plant0/blue.png", "plant0/red.png", "plant1/green.png"]
    assert found[0]["error"]
    assert found[1]["group"] == "plant0"
    assert {found[1]["class_1"], found[1]["class_2"]} < set(COLOURS)
    assert "class_3" not in found[1]
    err = capsys.readouterr().err
    assert "1 of 4 images could not be read" in err
    assert re.search(r"4 images in \S+ ?\w*, written to", err)


def test_probabilities_are_the_plain_softmax_over_names_and_descriptions(photos, tiny_model):
    settings = {"device": "cpu", "precision": "fp32", "cache": photos.parent / "cache"}
    frame = workbench.label(
        photos, model=tiny_model, classes=photos.parent / "species.csv", templates="a {}.", top=3, **settings
    ).set_index("file")
    used = Settings.load(**settings)
    encoder = open_model(tiny_model, used)
    model = CachedModel(encoder, FeatureStore(used.cache))
    weights = [
        normalise(normalise(model.encode_texts([f"a {c}.", f"all of it is {c}"])).mean(axis=0)[None])[0]
        for c in COLOURS
    ]
    image = encoder.preprocess(Image.open(photos / "plant0" / "red.png").convert("RGB"))
    feature = normalise(encoder.encode_images(image[None]).projected)
    expected = softmax(model.logit_scale * feature @ np.array(weights).T)[0]
    row = frame.loc["plant0/red.png"]
    given = {row[f"class_{i}"]: row[f"probability_{i}"] for i in (1, 2, 3)}
    assert [given[c] for c in COLOURS] == pytest.approx(expected, abs=1e-4)


def test_a_checklist_leaves_only_its_classes(photos, tiny_model, tmp_path, capsys):
    (tmp_path / "region.txt").write_text("Red\nblue\nviolet\n")
    assert not label(photos, tiny_model, "--restrict", str(tmp_path / "region.txt"), "--json")
    out, err = capsys.readouterr()
    assert {row["answer"] for row in json.loads(out) if "answer" in row} <= {"red", "blue"}
    assert "1 of 3 names of the checklist are no class: violet" in err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--output", "labels.doc"], "must end in one of .csv"),
        (["--template", "a photo"], "holds {} for the name"),
        (["--group-by", "("], "regular expression"),
        (["--restrict", "missing.txt"], "missing.txt"),
    ],
)
def test_wrong_options_are_said_before_the_work(photos, tiny_model, options, sentence, capsys):
    assert label(photos, tiny_model, *options) == 2
    assert sentence in capsys.readouterr().err
    assert not (photos.parent / "cache").exists()


def test_a_formula_in_a_name_stays_text(photos, tiny_model, tmp_path):
    (photos / "=1+1.png").write_bytes((photos / "plant0" / "red.png").read_bytes())
    assert not label(photos, tiny_model, "--output", str(tmp_path / "labels.xlsx"))
    sheet = openpyxl.load_workbook(tmp_path / "labels.xlsx").active
    cell = next(cell for cell in sheet["A"] if "1+1" in str(cell.value))
    assert (cell.value, cell.data_type) == ("=1+1.png", "s")


def test_the_slices_of_a_volume_have_a_joint_answer(tmp_path, tiny_model):
    nibabel = pytest.importorskip("nibabel", reason="the extra medical is not installed")
    (tmp_path / "photos").mkdir()
    (tmp_path / "species.csv").write_text("name\nbrain\nheart\n")
    for i in range(2):
        values = np.random.default_rng(i).integers(0, 900, (12, 14, 6)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "photos" / f"scan{i}.nii.gz")
    (tmp_path / "photos" / "torn.nii").write_bytes(b"no volume")
    output = tmp_path / "labels.csv"
    assert label(tmp_path / "photos", tiny_model, "--group-by", "(.+)#", "--output", str(output)) == 0
    rows = list(csv.DictReader(output.open(encoding="utf-8")))
    assert [row["file"] for row in rows] == ["scan0.nii.gz#axial-3", "scan1.nii.gz#axial-3", "torn.nii"]
    assert [row["group"] for row in rows[:2]] == ["scan0.nii.gz", "scan1.nii.gz"]
    assert [row["group_answer"] for row in rows[:2]] == [row["answer"] for row in rows[:2]]
    assert rows[2]["error"] == "not an image of a known format"
