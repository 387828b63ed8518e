"""Columns that mean groups are named, and others are not."""

import numpy as np
import pytest
from PIL import Image

from workbench.datasets import check_dataset, open_dataset


@pytest.fixture
def opened(tmp_path, settings):
    """A folder of 60 pictures whose table has further columns: name to the value of the i-th row."""

    def make(split=lambda i: ("train", "val", "test")[i % 3], **columns):
        root = tmp_path / "set"
        root.mkdir()
        names = list(columns)
        lines = [",".join(["file_name", "label", "split", *names])]
        for i in range(60):
            pixels = np.random.default_rng(i).integers(0, 256, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((32, 32)).save(root / f"{i}.png")
            lines.append(",".join([f"{i}.png", "ab"[i % 2], split(i), *(str(columns[name](i)) for name in names)]))
        (root / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
        return open_dataset(str(root), settings)

    return make


def named(dataset):
    return [note for note in dataset.notes if note.startswith("Column")]


@pytest.mark.parametrize(
    "name", ["patient", "Patient ID", "subject_id", "video", "observation", "plant no", "case-number"]
)
def test_a_column_is_named_by_its_name_where_it_would_leak(opened, name):
    (note,) = named(opened(**{name: lambda i: f"p{i // 5}"}))
    assert f"Column {name!r} may say which images belong together: 12 of its 12 values stand in more than one" in note
    assert f'columns.group = "{name}"' in note


@pytest.mark.parametrize(
    "columns",
    [
        {"patient": lambda i: i},  # Each image has its own.
        {"patient": lambda i: "" if i > 5 else "p"},  # Hardly any image has one.
        {"patient": lambda i: f"site {i // 2 % 2}"},  # Two groups make no splits.
        {"year": lambda i: 2000 + i // 5, "country": lambda i: i // 5},  # They mean something else.
        {"patients": lambda i: "ab"[i % 2]},  # It is the label, said again.
        {"inpatient": lambda i: i // 5},  # A word within another.
    ],
)
def test_other_columns_are_not_named(opened, columns):
    assert named(opened(**columns)) == []


def test_nothing_is_named_where_no_group_is_divided(opened):
    assert named(opened(split=lambda i: ("train", "val", "test")[i // 5 % 3], patient=lambda i: i // 5)) == []


def test_nothing_is_named_beside_groups(opened, tmp_path, settings):
    assert named(opened(patient=lambda i: i // 5, group_=lambda i: i // 5))
    table = tmp_path / "set" / "metadata.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("group_", "group"), encoding="utf-8")
    (tmp_path / "c.toml").write_text(
        'name = "c"\n[source]\ntype = "folder"\npath = "set"\n'
        '[columns]\nlabel = "label"\nsplit = "split"\ngroup = "group"\n',
        encoding="utf-8",
    )
    assert named(open_dataset(str(tmp_path / "c.toml"), settings)) == []


def test_near_duplicates_tell_of_a_column_with_an_odd_name(tmp_path, settings):
    root = tmp_path / "set"
    root.mkdir()
    lines = ["file_name,label,split,batch,camera"]
    for i in range(60):
        pixels = np.random.default_rng(i // 3).integers(30, 226, (9, 9, 3)) - i % 3
        Image.fromarray(pixels.astype(np.uint8)).resize((32, 32)).save(root / f"{i}.png")
        lines.append(f"{i}.png,{'ab'[i // 3 % 2]},{('train', 'val', 'test')[i % 3]},b{i // 3},c{i // 30}")
    (root / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    dataset = open_dataset(str(root), settings)
    assert named(dataset) == []
    (note,) = (note for note in check_dataset(dataset).notes if note.startswith("Column"))
    assert "Column 'batch' may say which" in note
    assert "100% of near duplicates across splits share one" in note
