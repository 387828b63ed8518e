"""Cards of Hub repositories against the columns that the repositories describe, in small local copies."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import benchmarks
from workbench.datasets import open_card, read_card
from workbench.settings import Settings

ROOT = Path(next(iter(benchmarks.__path__)))

# Card: number of classes, splits, label column, what that holds, and further columns, as the repository's pages state
# them (the splits of plant-pathology-2021 are a guess); then the splits that are left to be made.
LAYOUTS = {
    "medical/aptos2019": (5, ("train",), "label", "codes", (), "test val"),
    "medical/bloodmnist": (8, ("train", "validation", "test"), "label", "list of one code", ("path",), ""),
    "medical/chestmnist": (14, ("train", "validation", "test"), "label", "lists of 0 and 1", (), ""),
    "medical/colorectal-histology": (8, ("train",), "label", "numbers", ("filename",), "test val"),
    "medical/ham10000": (7, ("train", "validation", "test"), "label", "names", (), ""),
    "medical/pcam": (2, ("train", "valid", "test"), "label", "booleans", (), ""),
    "botany/beans": (3, ("train", "validation", "test"), "labels", "other names", ("image_file_path",), ""),
    "botany/plant-pathology-2021": (6, ("train",), "label_names", "list of texts", ("image_id",), "test val"),
    "botany/plantdoc": (28, ("train",), "class_label", "texts", ("host", "disease", "split", "filename"), "val"),
    "botany/plantvillage": (38, ("train",), "class_label", "texts", ("host", "disease", "split", "leaf_id"), "val"),
    "robotics/food101": (101, ("train", "validation"), "label", "names", (), "val"),
    "robotics/garbage-classification": (12, ("train",), "label", "names", (), "test val"),
    "robotics/office-home": (65, ("train",), "label", "names", ("domain",), "test val"),
}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Writes Parquet files as `datasets` uploads them; gives the function that does."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hf"))
    made = iter(range(10**6))

    def picture():
        # Every image has its own bytes.
        pixels = np.full((4, 4, 3), (*divmod(next(made), 256), 7), dtype=np.uint8)
        Image.fromarray(pixels).save(data := io.BytesIO(), "PNG")
        return {"bytes": data.getvalue(), "path": None}

    def write(rows_of_split, features):
        folder = tmp_path / "repo" / "data"
        folder.mkdir(parents=True)
        features = datasets.Features({"image": datasets.Image(), **features})
        for split, rows in rows_of_split.items():
            table = datasets.Dataset.from_list([{"image": picture(), **row} for row in rows], features=features)
            table.to_parquet(str(folder / f"{split}-00000-of-00001.parquet"))

    return write


def opened(card, tmp_path):
    """The card with its repository replaced by the local one."""
    card = card.model_copy(update={"source": card.source.model_copy(update={"id": "repo", "revision": None})})
    return open_card(card, tmp_path, Settings(cache=tmp_path / "cache"))


def label_column(kind, keys):
    """Feature of a label column, and its values in class order."""
    from datasets import ClassLabel, Sequence, Value

    codes = list(range(len(keys)))
    return {
        "codes": (ClassLabel(names=[str(code) for code in codes]), codes),
        "names": (ClassLabel(names=keys), codes),
        "other names": (ClassLabel(names=[f"name {code}" for code in codes]), codes),
        "numbers": (Value("int64"), codes),
        "booleans": (Value("bool"), [False, True]),
        "texts": (Value("string"), keys),
        "list of one code": (Sequence(Value("uint8")), [[code] for code in codes]),
        "lists of 0 and 1": (Sequence(Value("uint8")), [[int(i in {0, k}) for i in codes] for k in codes]),
        "list of texts": (Sequence(Value("string")), [[key, keys[0]] if key != keys[0] else [key] for key in keys]),
    }[kind]


@pytest.mark.parametrize("name", LAYOUTS)
def test_card_reads_the_layout_that_its_repository_describes(name, repository, tmp_path):
    from datasets import Value

    card = read_card(ROOT / f"{name}.toml")
    n_classes, splits, label, kind, others, made = LAYOUTS[name]
    feature, values = label_column(kind, list(card.classes))

    def row(split, i):
        texts = dict.fromkeys(others, f"{split} {i}")
        if "split" in others:
            texts["split"] = "test" if i >= 9 * len(values) else "train"
        return {label: values[i % len(values)], **texts}

    rows = {split: [row(split, i) for i in range(10 * len(values))] for split in splits}
    repository(rows, {label: feature, **{other: Value("string") for other in others}})

    dataset = opened(card, tmp_path)

    assert len(values) == n_classes
    assert dataset.class_names == tuple(card.classes.values())
    assert {split for split in ("test", "val") if f"The {split} split was made" in str(dataset.notes)} == set(
        made.split()
    )
    counts = {split: dataset.class_counts(split) for split in ("train", "val", "test")}
    assert all(count.all() for count in counts.values()), counts
    if not card.multi_label:
        assert sum(count.sum() for count in counts.values()) == 10 * len(values) * len(splits)
    if "split" in others:
        assert (counts["test"] == 1).all()


def test_refcoco_has_several_captions_an_image_and_leaves_further_splits_out(repository, tmp_path):
    from datasets import Sequence, Value

    rows = [{"answer": [f"the left one {i}", f"a red thing {i}"], "question": "?"} for i in range(4)]
    features = {"answer": Sequence(Value("string")), "question": Value("string")}
    repository(dict.fromkeys(("val", "test", "testA", "testB"), rows), features)
    dataset = opened(read_card(ROOT / "robotics" / "refcoco-captions.toml"), tmp_path)
    assert [len(dataset.rows(split)) for split in ("train", "val", "test")] == [0, 4, 4]
    assert set(dataset.captions(dataset.rows("test"))) == {tuple(row["answer"]) for row in rows}
    assert any("testA" in note for note in dataset.notes)


def test_winoground_has_two_images_and_captions_a_row(repository, tmp_path):
    import datasets
    from datasets import Value

    from workbench.tasks.matching.items import matching_items

    def other(i):
        Image.fromarray(np.full((4, 4, 3), 200 + i, dtype=np.uint8)).save(data := io.BytesIO(), "PNG")
        return {"bytes": data.getvalue(), "path": None}

    rows = [
        {
            "id": i,
            "image_1": other(i),
            "caption_0": f"a before {i}",
            "caption_1": f"{i} before a",
            "collapsed_tag": "Object",
        }
        for i in range(3)
    ]
    features = {"id": Value("int32"), "image_1": datasets.Image(), "collapsed_tag": Value("string")}
    features |= {"caption_0": Value("string"), "caption_1": Value("string")}
    repository({"test": rows}, features)
    card = read_card(ROOT / "robotics" / "winoground.toml")
    # The repository's first image column is called image here.
    dataset = opened(card.model_copy(update={"columns": card.columns.model_copy(update={"image": "image"})}), tmp_path)
    items = matching_items(dataset, dataset.rows("test"))
    assert {item.texts for item in items} == {(f"a before {i}", f"{i} before a") for i in range(3)}
    assert {item.kind for item in items} == {"Object"}
    for item in items:
        number = int(item.texts[1][0])
        assert dataset.read(item.rows[1]) == rows[number]["image_1"]["bytes"]
        assert dataset.read(item.rows[0]) != dataset.read(item.rows[1])


@pytest.mark.parametrize("name", ["sugarcrepe", "aro-attribution", "aro-relation"])
def test_a_caption_and_its_wrong_one(name, repository, tmp_path):
    from datasets import Value

    from workbench.tasks.matching.items import matching_items

    card = read_card(ROOT / "robotics" / f"{name}.toml")
    caption, wrong = card.columns.caption, card.columns.negatives
    rows = [{caption: f"right {i}", wrong: f"wrong {i}"} for i in range(3)]
    repository({card.splits.test: rows}, {caption: Value("string"), wrong: Value("string")})
    dataset = opened(card.model_copy(update={"columns": card.columns.model_copy(update={"image": "image"})}), tmp_path)
    items = matching_items(dataset, dataset.rows("test"))
    assert {item.texts for item in items} == {(f"right {i}", f"wrong {i}") for i in range(3)}
