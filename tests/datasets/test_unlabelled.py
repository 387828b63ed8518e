"""Any folder of pictures can be looked at, searched and embedded; only a dataset can be run on."""

import json

import pytest
from PIL import Image

import workbench
from workbench.cli import main
from workbench.datasets import open_dataset, open_pictures
from workbench.errors import DataError
from workbench.settings import Settings


@pytest.fixture
def pile(tmp_path):
    """Pictures at several depths, with a file of another type."""
    folder = tmp_path / "pile"
    for i, name in enumerate(("a.png", "b.png", "2024/c.png", "2024/may/d.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (40 * i, 90, 10)).save(folder / name)
    (folder / "clip.mp4").write_bytes(b"x")
    return folder


def test_every_picture_is_there_and_nothing_is_asked_of_it(pile, tmp_path):
    dataset = open_pictures(str(pile), Settings(cache=tmp_path / "cache"))
    assert sorted(dataset.ids(dataset.rows("all"))) == ["2024/c.png", "2024/may/d.png", "a.png", "b.png"]
    assert dataset.class_names == ()
    assert len(dataset.rows("test")) == 0
    assert dataset.notes[0].startswith("Its pictures are read without labels, since it is no dataset: ")
    assert "1 file of types that are not read: 1 .mp4." in dataset.notes


def test_a_dataset_stays_one(make_colours, tmp_path):
    settings = Settings(cache=tmp_path / "cache")
    folder = str(make_colours())
    assert open_pictures(folder, settings).fingerprint == open_dataset(folder, settings).fingerprint


def test_a_table_that_cannot_be_used_is_an_error_of_check_and_a_note_elsewhere(pile, tmp_path):
    settings = Settings(cache=tmp_path / "cache")
    (pile / "metadata.csv").write_text("file_name,label\na.PNG,red\nb.PNG,blue\n", encoding="utf-8")
    assert "capital letters" in open_pictures(str(pile), settings).notes[0]
    with pytest.raises(DataError, match="capital letters"):
        workbench.check(pile, cache=settings.cache)


def test_where_there_is_no_picture_the_reason_stays(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected class sub-folders"):
        open_pictures(str(tmp_path / "empty"), Settings(cache=tmp_path / "cache"))


def test_check_search_and_embed_take_it_and_run_does_not(pile, tiny_model, tmp_path, capsys):
    options = {"cache": tmp_path / "cache", "device": "cpu", "precision": "fp32"}
    assert workbench.check(pile, cache=options["cache"]).images == {"train": 4, "val": 0, "test": 0}
    assert len(workbench.search_images(pile, "green", model=tiny_model, top=9, **options)) == 4
    assert len(workbench.embed(pile, tiny_model, **options)) == 4
    with pytest.raises(SystemExit) as ended:
        main(["search", str(pile), "green", "--model", tiny_model, "--cache", str(options["cache"]), "--json"])
    out, err = capsys.readouterr()
    assert not ended.value.code
    assert json.loads(out)["searched"] == 4
    assert "1 file of types that are not read: 1 .mp4." in err
    with pytest.raises(workbench.WorkbenchError):
        workbench.run(models=tiny_model, datasets=pile, recipes="zero-shot", **options)
