"""`workbench suggest` from a run and a folder to a list, and `workbench label` by that list."""

import csv
import json
import shutil

import pytest
from PIL import Image

from workbench import run
from workbench.cli import main


@pytest.fixture
def finished(tmp_path, make_colours, tiny_model, settings):
    options = {"models": [tiny_model], "datasets": [str(make_colours())], "recipes": ["linear-probe"]}
    frame = run(**options, device="cpu", precision="fp32", **settings.model_dump(include={"cache", "runs"}))
    (run_id,) = frame["run_id"][frame["recipe"] == "linear-probe"]
    pool = tmp_path / "pool"
    (pool / "new").mkdir(parents=True)
    for i in range(6):
        Image.new("RGB", (40, 40), (40 * i, 90, 200 - 30 * i)).save(pool / "new" / f"{i}.png")
    shutil.copy(pool / "new" / "0.png", pool / "copy.png")
    shutil.copy(tmp_path / "colours" / "train" / "red" / "0.png", pool / "labelled.png")
    (pool / "broken.png").write_bytes(b"no image")
    return run_id, pool


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


def test_a_list_with_pictures_that_label_takes(finished, tiny_model, settings, tmp_path, capsys):
    run_id, pool = finished
    own = ("--device", "cpu", "--cache", settings.cache)
    store = ("--tracking-uri", f"sqlite:///{settings.runs / 'mlflow.db'}")
    listed, page = tmp_path / "next.csv", tmp_path / "next.html"
    assert not call("suggest", run_id, pool, "--n", 3, "--output", listed, "--html", page, *own, *store)
    rows = list(csv.DictReader(listed.open()))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    files = {row["file"] for row in rows}
    assert len(files) == 3
    assert files < {"copy.png", *(f"new/{i}.png" for i in range(6))}
    assert all(row["answer"] in {"red", "green", "blue"} and 0 <= float(row["uncertainty"]) <= 1 for row in rows)
    assert "2 of 8 images are left out: labelled already, or copies" in capsys.readouterr().err
    text = page.read_text(encoding="utf-8")
    assert all(file in text for file in files)
    assert text.count("data:image/jpeg") == 3

    assert not call("suggest", run_id, pool, "--n", 99, "--by", "diversity", "--json", *own, *store)
    everything = json.loads(capsys.readouterr().out)
    assert len(everything) == 6
    assert "labelled.png" not in {row["file"] for row in everything}

    (tmp_path / "classes.txt").write_text("red\ngreen\nblue\n")
    labels = ("label", pool, "--model", tiny_model, "--classes", tmp_path / "classes.txt", *own)
    assert not call(*labels, "--files", listed, "--output", tmp_path / "labels.csv")
    assert {row["file"] for row in csv.DictReader((tmp_path / "labels.csv").open())} == files
    (tmp_path / "wrong.txt").write_text("new/1.png\nnowhere.png\n")
    assert call(*labels, "--files", tmp_path / "wrong.txt") == 2
    assert "nowhere.png is not in" in capsys.readouterr().err
    (tmp_path / "other.csv").write_text("name\nnew/1.png\n")
    assert call(*labels, "--files", tmp_path / "other.csv") == 2
    assert "expected a column 'file'; there are: name" in capsys.readouterr().err
