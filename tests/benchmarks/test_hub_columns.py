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

# Card: the repository's splits, and what its label column holds.
LAYOUTS = {
    "medical/aptos2019": (("train",), "codes"),
    "medical/bloodmnist": (("train", "validation", "test"), "list of one code"),
    "medical/colorectal-histology": (("train",), "numbers"),
    "medical/ham10000": (("train", "validation", "test"), "names"),
    "medical/pcam": (("train", "valid", "test"), "booleans"),
    "botany/beans": (("train", "validation", "test"), "other names"),
    "botany/plant-pathology-2021": (("train",), "list of texts"),
    "botany/plantdoc": (("train",), "texts"),
    "botany/plantvillage": (("train",), "texts"),
    "robotics/food101": (("train", "validation"), "names"),
    "robotics/garbage-classification": (("train",), "names"),
    "robotics/office-home": (("train",), "names"),
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
        "list of texts": (Sequence(Value("string")), [[key, keys[0]] if key != keys[0] else [key] for key in keys]),
    }[kind]


@pytest.mark.parametrize("name", LAYOUTS)
def test_card_reads_the_layout_that_its_repository_describes(name, repository, tmp_path):
    from datasets import Value

    card = read_card(ROOT / f"{name}.toml")
    splits, kind = LAYOUTS[name]
    feature, values = label_column(kind, list(card.classes))
    columns = card.columns
    texts = [column for column in (columns.group, columns.split, columns.id) if column]
    rows = {}
    for split in splits:
        rows[split] = []
        for i, value in enumerate([*values] * 10):
            row = {columns.label: value}
            if columns.group:
                row[columns.group] = f"leaf {i}"
            if columns.split:
                row[columns.split] = "test" if i >= 8 * len(values) else "train"
            if columns.id:
                row[columns.id] = f"{split} {i}"
            rows[split].append(row)
    repository(rows, {columns.label: feature, **{text: Value("string") for text in texts}})

    dataset = opened(card, tmp_path)

    assert dataset.class_names == tuple(card.classes.values())
    counts = {split: dataset.class_counts(split) for split in ("train", "val", "test")}
    assert all(count.all() for count in counts.values()), counts
    if not card.multi_label:
        assert sum(count.sum() for count in counts.values()) == 10 * len(values) * len(splits)
    if columns.split:
        assert (counts["test"] == 2).all()


def test_refcoco_has_several_captions_an_image_and_leaves_further_splits_out(repository, tmp_path):
    from datasets import Sequence, Value

    rows = [{"answer": [f"the left one {i}", f"a red thing {i}"], "question": "?"} for i in range(4)]
    features = {"answer": Sequence(Value("string")), "question": Value("string")}
    repository(dict.fromkeys(("val", "test", "testA", "testB"), rows), features)
    dataset = opened(read_card(ROOT / "robotics" / "refcoco.toml"), tmp_path)
    assert [len(dataset.rows(split)) for split in ("train", "val", "test")] == [0, 4, 4]
    assert set(dataset.captions(dataset.rows("test"))) == {tuple(row["answer"]) for row in rows}
    assert any("testA" in note for note in dataset.notes)
