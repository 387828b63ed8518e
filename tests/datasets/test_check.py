"""The check finds what was planted, and nothing else."""

import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from workbench.datasets import check_dataset, open_dataset
from workbench.datasets._near_pairs import near_pairs
from workbench.datasets.thumbnails import flat, thumbnail


def picture(seed: int, size: int = 96) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.fixture
def planted(tmp_path, settings):
    root = tmp_path / "set"
    root.mkdir()
    rows = []

    def add(name: str, data: bytes | None, label: str, split: str, group: str) -> None:
        if data is not None:
            (root / name).write_bytes(data)
        rows.append(f"{name},{label},{split},{group}")

    for i in range(30):
        split = ("train", "val", "test")[i % 3]
        add(f"{i}.jpg", jpeg(picture(i)), "ab"[i // 3 % 2], split, f"{split} {i % 5}")
    add("cut short.jpg", jpeg(picture(50))[:700], "a", "train", "x")
    add("empty.jpg", b"", "a", "train", "x")
    add("gone.jpg", None, "b", "test", "y")
    add("copy of 0.jpg", jpeg(picture(0)), "a", "test", "z")  # 0.jpg: train, a
    add("again 3.jpg", jpeg(picture(3)), "a", "train", "x")  # 3.jpg: train, b
    add("like 1.jpg", jpeg(ImageEnhance.Brightness(picture(1)).enhance(1.1).resize((48, 48)), 50), "a", "test", "z")
    add("new kind.jpg", jpeg(picture(60)), "c", "test", "train 0")  # a class and a group
    (root / "metadata.csv").write_text("\n".join(["file_name,label,split,group", *rows]), encoding="utf-8")
    return open_dataset(str(root), settings)


def test_finds_what_was_planted(planted):
    told = []
    report = check_dataset(planted, lambda done, total: told.append((done, total)))
    assert told[-1] == (37, 37)
    assert report.images == {"train": 13, "val": 10, "test": 14}
    assert {(bad.id, bad.split) for bad in report.unreadable} == {
        ("cut short.jpg", "train"), ("empty.jpg", "train"), ("gone.jpg", "test")
    }  # fmt: skip
    reasons = {bad.id: bad.reason for bad in report.unreadable}
    assert "truncated" in reasons["cut short.jpg"]
    assert "empty" in reasons["empty.jpg"]
    assert "No such file" in reasons["gone.jpg"]
    assert report.class_counts["test"] == {"a": 7, "b": 6, "c": 1}
    assert report.untrained_classes == ("c",)
    assert [(set(c.ids), set(c.splits)) for c in report.copies_across_splits] == [
        ({"0.jpg", "copy of 0.jpg"}, {"train", "test"})
    ]
    assert [set(c.ids) for c in report.copies_with_other_labels] == [{"3.jpg", "again 3.jpg"}]
    assert report.copies_within_splits == 1
    assert [{p.first, p.second} for p in report.near_duplicates] == [{"1.jpg", "like 1.jpg"}]
    assert report.near_duplicate_count == 1
    assert report.divided_groups == {"train 0": {"train": 2, "test": 1}}
    assert (report.widths, report.formats) == ((48, 96, 96), {"JPEG RGB": 34})
    assert report.problems == 3 + 1 + 1 + 1 + 1 + 1


def test_report_is_json_and_text(planted):
    report = check_dataset(planted)
    again = json.loads(json.dumps(report.to_dict()))
    assert again["unreadable"][0].keys() == {"id", "split", "reason"}
    assert again["problems"] == report.problems
    text = str(report)
    for expected in (
        "FOUND 3 unreadable images",
        "cut short.jpg (train)",
        "train 0: 2 train, 1 test",
        "ok    no classes without",
    ):
        assert expected in text
    (row,) = [line for line in text.splitlines() if line.startswith("c  ")]
    assert row.split() == ["c", "0", "0", "1"]


def test_sound_data_has_no_problem(class_folders, settings):
    report = check_dataset(open_dataset(str(class_folders), settings))
    assert report.problems == 0
    assert "FOUND" not in str(report)
    assert report.images == {"train": 41, "val": 7, "test": 12}


def test_classes_without_a_test_image_are_found(planted, tmp_path, settings):
    table = tmp_path / "set" / "metadata.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("new kind.jpg,c,test", "new kind.jpg,c,val"), "utf-8")
    report = check_dataset(open_dataset(str(tmp_path / "set"), settings))
    assert (report.untrained_classes, report.untested_classes) == (("c",), ("c",))
    assert "FOUND 1 classes without a test image\n        c" in str(report)


def test_files_that_are_no_images_are_no_leak(tmp_path, settings):
    """A server's message, saved in place of each image, is equal everywhere."""
    root = tmp_path / "set"
    for k in range(12):
        folder = root / ("train", "test")[k % 2] / "ab"[k // 2 % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{k}.jpg").write_bytes(jpeg(picture(k)) if k < 8 else b"<html>Forbidden</html>")
    report = check_dataset(open_dataset(str(root), settings))
    assert len(report.unreadable) == 4
    assert (report.copies_across_splits, report.copies_with_other_labels, report.copies_within_splits) == ((), (), 0)


def test_multi_label_counts(tmp_path, settings):
    root = tmp_path / "set"
    root.mkdir()
    for i in range(9):
        (root / f"{i}.jpg").write_bytes(jpeg(picture(i)))
    lines = [f"{i}.jpg,{('a|b', 'b', '')[i % 3]},{'train' if i < 6 else 'test'}" for i in range(9)]
    (root / "metadata.csv").write_text("\n".join(["file_name,label,split", *lines]), encoding="utf-8")
    (tmp_path / "c.toml").write_text(
        'name = "c"\nmulti_label = true\n[source]\ntype = "folder"\npath = "set"\n', "utf-8"
    )
    report = check_dataset(open_dataset(str(tmp_path / "c.toml"), settings))
    assert report.class_counts["test"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "change",
    [
        lambda image: Image.open(BytesIO(jpeg(image, 40))),
        lambda image: image.resize((48, 48)),
        lambda image: ImageEnhance.Brightness(image).enhance(0.8),
        lambda image: image.convert("L"),
    ],
    ids=["recompressed", "halved", "darker", "grey"],
)
def test_copies_look_alike_and_other_pictures_do_not(change):
    images = [picture(i) for i in range(40)]
    small = np.stack([thumbnail(image) for image in (*images, *map(change, images))])
    found = {(int(i), int(j)) for a, b, _ in near_pairs(small, 0.99) for i, j in zip(a, b, strict=True)}
    assert found == {(i, 40 + i) for i in range(40)}


def test_images_of_one_tone_are_left_out():
    small = np.stack([thumbnail(Image.new("RGB", (50, 50), (9, 9, 9))), thumbnail(picture(1))])
    assert flat(small).tolist() == [True, False]


def test_what_the_test_images_can_show_is_said(make_colours, settings, tmp_path):
    few = check_dataset(open_dataset(str(make_colours(train=2, val=2, test=2)), settings))
    assert [each.difference for each in few.smallest_differences] == [None, None, None]
    assert "Its 6 test images can show a difference in accuracy of none, none, none points" in str(few)
    root = make_colours("more", train=2, val=2, test=50)
    rows = [
        f"{path.relative_to(root)},{path.parent.name},{path.parts[-3]},{path.parts[-3]} {int(path.stem) // 2}"
        for path in sorted(root.rglob("*.png"))
    ]
    (root / "metadata.csv").write_text("\n".join(["file_name,label,split,group", *rows]), encoding="utf-8")
    report = check_dataset(open_dataset(str(root), settings))
    assert [each.discordance for each in report.smallest_differences] == [0.05, 0.1, 0.2]
    last = report.smallest_differences[2]
    assert 0.09 < last.difference < 0.12
    assert last.if_alike is None
    assert "; where images of a group are like copies: none, none, none." in str(report)
    assert json.loads(json.dumps(report.to_dict()))["smallest_differences"][2]["difference"] == last.difference
