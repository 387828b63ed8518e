"""Every kind of source gives the same dataset: labels, splits, groups, captions, and the very bytes."""

import csv
import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.datasets import Dataset, UnreadableImageError, decode_image, open_card, open_dataset
from workbench.datasets.card_reading import parse_card
from workbench.errors import DataError, WorkbenchError

ROWS = [
    {"name": f"img {i:02d}.png", "kind": ("oak", "Ahorn ä")[i % 2], "part": ("train", "train", "val", "test")[i % 4],
     "who": f"p{i // 4}", "says": f"a leaf, number {i}", "note": f"n{i}"}
    for i in range(16)
]  # fmt: skip
COLUMNS = """
[columns]
image = "name"
label = "kind"
split = "part"
group = "who"
caption = "says"
"""


def card(source: str, extra: str = COLUMNS, head: str = ""):
    return parse_card(f'name = "leaves"\n{head}\n[source]\n{source}\n{extra}', "test card")


@pytest.fixture
def images(jpeg) -> dict[str, bytes]:
    return {row["name"]: jpeg(i, kind="PNG") for i, row in enumerate(ROWS)}


@pytest.fixture
def folder(tmp_path: Path, images) -> Path:
    (tmp_path / "pics").mkdir()
    for name, data in images.items():
        (tmp_path / "pics" / name).write_bytes(data)
    return tmp_path


def write_csv(path: Path, rows: list[dict], delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def assert_is_leaves(dataset: Dataset, images: dict[str, bytes]) -> None:
    assert dataset.class_names == ("Ahorn ä", "oak")
    assert {split: len(dataset.rows(split)) for split in ("train", "val", "test")} == {"train": 8, "val": 4, "test": 4}
    by_caption = {row["says"]: row for row in ROWS}
    for split in ("train", "val", "test"):
        rows = dataset.rows(split)
        for row, label, group, captions, extra in zip(
            rows,
            dataset.labels(rows),
            dataset.group_names(rows),
            dataset.captions(rows),
            dataset.extra(rows),
            strict=True,
        ):
            expected = by_caption[captions[0]]
            assert expected["part"] == split
            assert dataset.class_keys[label] == expected["kind"]
            assert group == expected["who"]
            assert extra["note"] == expected["note"]
            assert dataset.read(int(row)) == images[expected["name"]]
    assert len(set(dataset.ids(range(16)))) == 16


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv(folder, images, settings, delimiter):
    write_csv(folder / "pics" / "table.csv", ROWS, delimiter)
    assert_is_leaves(open_card(card('type = "csv"\npath = "pics/table.csv"'), folder, settings), images)


def test_jsonl_with_root(folder, images, settings):
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    (folder / "table.jsonl").write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    dataset = open_card(card('type = "jsonl"\npath = "table.jsonl"\nroot = "pics"'), folder, settings)
    assert_is_leaves(dataset, images)


def test_table_for_each_split(folder, images, settings):
    for split in ("train", "val", "test"):
        own = [{k: v for k, v in row.items() if k != "part"} for row in ROWS if row["part"] == split]
        write_csv(folder / "pics" / f"{split}.csv", own)
    source = 'type = "csv"\npath = {train = "pics/train.csv", val = "pics/val.csv", test = "pics/test.csv"}'
    assert_is_leaves(open_card(card(source, COLUMNS.replace('split = "part"\n', "")), folder, settings), images)


def test_folder_with_metadata_and_own_column_names(folder, images, settings):
    write_csv(folder / "pics" / "metadata.csv", ROWS)
    assert_is_leaves(open_card(card('type = "folder"\npath = "pics"'), folder, settings), images)


def _usual(row: dict) -> dict:
    names = {"name": "file_name", "kind": "label", "part": "split", "who": "group", "says": "caption", "note": "note"}
    return {names[key]: value for key, value in row.items()}


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_folder_with_metadata_needs_no_columns(folder, images, settings, kind):
    rows = [_usual(row) for row in ROWS]
    if kind == "csv":
        write_csv(folder / "pics" / "metadata.csv", rows)
    else:
        (folder / "pics" / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert_is_leaves(open_card(card('type = "folder"\npath = "pics"', ""), folder, settings), images)
    assert_is_leaves(open_dataset(str(folder / "pics"), settings), images)


def test_metadata_in_each_split_folder(tmp_path, images, settings):
    for split in ("train", "validation", "test"):
        (tmp_path / "set" / split).mkdir(parents=True)
        own = [row for row in ROWS if {"val": "validation"}.get(row["part"], row["part"]) == split]
        for row in own:
            (tmp_path / "set" / split / row["name"]).write_bytes(images[row["name"]])
        write_csv(
            tmp_path / "set" / split / "metadata.csv",
            [{k: v for k, v in _usual(row).items() if k != "split"} for row in own],
        )
    assert_is_leaves(open_dataset(str(tmp_path / "set"), settings), images)


def _parquet(path: Path, rows: list[dict], images: dict[str, bytes], *, struct: bool, group_size: int = 3) -> None:
    pictures = [{"bytes": images[r["name"]], "path": r["name"]} if struct else images[r["name"]] for r in rows]
    columns = {key: [row[key] for row in rows] for key in rows[0] if key != "name"}
    pq.write_table(pa.table({"name": pictures, **columns}), path, row_group_size=group_size)


@pytest.mark.parametrize("struct", [True, False])
def test_parquet(tmp_path, images, settings, struct):
    _parquet(tmp_path / "a-0.parquet", ROWS[:9], images, struct=struct)
    _parquet(tmp_path / "a-1.parquet", ROWS[9:], images, struct=struct)
    source = 'type = "parquet"\npath = "a-*.parquet"'
    assert_is_leaves(open_card(card(source), tmp_path, settings), images)
    _parquet(tmp_path / "a-2.parquet", [{**ROWS[0], "says": "new"}], images, struct=struct)
    assert len(open_card(card(source), tmp_path, settings)) == 17


def test_parquet_reads_each_row_group_once_in_row_order(tmp_path, images, settings, monkeypatch):
    _parquet(tmp_path / "a.parquet", ROWS, images, struct=True)
    dataset = open_card(card('type = "parquet"\npath = "a.parquet"'), tmp_path, settings)
    dataset = open_card(card('type = "parquet"\npath = "a.parquet"'), tmp_path, settings)
    read = []
    original = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda self, i, **k: read.append(i) or original(self, i, **k))
    for row in range(len(dataset)):
        dataset.read(row)
    assert read == list(range(6))


def test_parquet_with_integer_labels_sorts_by_value_and_takes_card_names(tmp_path, images, settings):
    rows = [{"name": row["name"], "kind": 10 - i % 3} for i, row in enumerate(ROWS)]
    _parquet(tmp_path / "a.parquet", rows, images, struct=True)
    columns = '[columns]\nimage = "name"\nlabel = "kind"\n'
    source = 'type = "parquet"\npath = "a.parquet"'
    assert open_card(card(source, columns), tmp_path, settings).class_keys == ("8", "9", "10")
    named = columns + '[classes]\n10 = "ten"\n9 = "nine"\n8 = "eight"\n'
    dataset = open_card(card(source, named), tmp_path, settings)
    assert dataset.class_names == ("ten", "nine", "eight")
    assert dataset.labels(range(3)).tolist() == [0, 1, 2]


def _shard(path: Path, rows: list[dict], images: dict[str, bytes], *, as_json: bool) -> None:
    with tarfile.open(path, "w") as tar:
        for row in rows:
            stem = row["name"].removesuffix(".png")
            members = {"png": images[row["name"]]}
            if as_json:
                members["json"] = json.dumps(row).encode()
            else:
                members |= {"cls": row["kind"].encode(), "txt": row["says"].encode(), "npy": b"\x93NUMPY\xff"}
            for extension, data in members.items():
                info = tarfile.TarInfo(f"./{row['part']}/{stem}.{extension}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def test_webdataset_with_json(tmp_path, images, settings):
    _shard(tmp_path / "s-0.tar", ROWS[:7], images, as_json=True)
    _shard(tmp_path / "s-1.tar", ROWS[7:], images, as_json=True)
    source = 'type = "webdataset"\npath = "s-*.tar"'
    columns = COLUMNS.replace('"name"', '"png"')
    assert_is_leaves(open_card(card(source, columns), tmp_path, settings), images)


def test_webdataset_takes_cls_and_txt_by_default(tmp_path, images, settings):
    for split in ("train", "val", "test"):
        _shard(tmp_path / f"{split}.tar", [r for r in ROWS if r["part"] == split], images, as_json=False)
    source = 'type = "webdataset"\npath = {train = "train.tar", val = "val.tar", test = "test.tar"}'
    dataset = open_card(card(source, ""), tmp_path, settings)
    assert dataset.class_names == ("Ahorn ä", "oak")
    test = dataset.rows("test")
    assert {caption for (caption,) in dataset.captions(test)} == {r["says"] for r in ROWS if r["part"] == "test"}
    assert {dataset.read(int(row)) for row in test} == {images[r["name"]] for r in ROWS if r["part"] == "test"}


def test_compressed_tar_is_refused(tmp_path, settings):
    with tarfile.open(tmp_path / "s.tar", "w:gz"):
        pass
    with pytest.raises(DataError, match=r"s\.tar.*uncompressed tar"):
        open_card(card('type = "webdataset"\npath = "s.tar"', ""), tmp_path, settings)


def test_multi_label_from_text_and_lists(folder, settings):
    rows = [{"name": row["name"], "kind": ("a | b", "b", "")[i % 3]} for i, row in enumerate(ROWS)]
    write_csv(folder / "pics" / "table.csv", rows)
    columns = '[columns]\nimage = "name"\nlabel = "kind"\n'
    one = open_card(card('type = "csv"\npath = "pics/table.csv"', columns, "multi_label = true"), folder, settings)
    lists = [{**row, "kind": [part.strip() for part in row["kind"].split("|") if part.strip()]} for row in rows]
    (folder / "pics" / "table.jsonl").write_text("\n".join(map(json.dumps, lists)), encoding="utf-8")
    two = open_card(card('type = "jsonl"\npath = "pics/table.jsonl"', columns, "multi_label = true"), folder, settings)
    for dataset in (one, two):
        assert dataset.class_keys == ("a", "b")
        assert dataset.labels(range(3)).tolist() == [[True, True], [False, True], [False, False]]
    assert one.fingerprint == two.fingerprint


def test_retrieval_gathers_the_captions_of_an_image(folder, settings):
    rows = [{"name": row["name"], "says": f"{row['name']} {k}", "split": "test"} for row in ROWS for k in range(3)]
    write_csv(folder / "pics" / "table.csv", rows)
    columns = '[columns]\nimage = "name"\ncaption = "says"\nsplit = "split"\n'
    found = card('type = "csv"\npath = "pics/table.csv"', columns, 'task = "retrieval"')
    dataset = open_card(found, folder, settings)
    assert len(dataset) == len(ROWS)
    assert sorted(dataset.captions([0])[0]) == sorted(f"{dataset.ids([0])[0]} {k}" for k in range(3))


def test_statements_about_the_same_image_have_ids_of_their_own(folder, settings):
    lines = [
        {"name": "img 00.png", "kind": truth, "says": f"statement {truth}", "split": "test"} for truth in (True, False)
    ]
    (folder / "pics" / "t.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    columns = '[columns]\nimage = "name"\nlabel = "kind"\ncaption = "says"\nsplit = "split"\n'
    dataset = open_card(card('type = "jsonl"\npath = "pics/t.jsonl"', columns, 'task = "matching"'), folder, settings)
    assert dataset.ids(range(2)) == ["img 00.png", "img 00.png#2"]
    assert dataset.class_keys == ("false", "true")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "name,kid\nimg 00.png,oak\n",
            r"table\.csv: no column 'kind', which columns\.label.*Did you mean 'kid'.*name, kid",
        ),
        ("file,kind\nimg 00.png,oak\n", r"no column 'name', which columns\.image.*file, kind"),
        ("name,kind\nimg 00.png,oak,extra\n", r"table\.csv, line 2: more or fewer fields"),
        ("name,kind\n,oak\n", r"table\.csv, line 2: 'name' is empty"),
        ("name,kind\n", r"table\.csv: has no rows"),
        ("name,kind\nimg 00.png,oak\nimg 01.png,\n", r"img 01\.png has no label \(1 of 2"),
        ("name,kind\nnowhere/a.png,oak\nnowhere/b.png,elm\n", r"none of its 2 image files is there.*nowhere/a\.png"),
        ("name,kind\nimg 00.png,oak\nimg 01.png,oak\n", r"only one class, 'oak'"),
    ],
)
def test_wrong_tables_say_what_and_where(folder, settings, content, message):
    (folder / "pics" / "table.csv").write_text(content, encoding="utf-8")
    columns = '[columns]\nimage = "name"\nlabel = "kind"\n'
    with pytest.raises(DataError, match=message):
        open_card(card('type = "csv"\npath = "pics/table.csv"', columns), folder, settings)


def test_tables_that_are_no_text_or_json(folder, settings):
    columns = '[columns]\nimage = "name"\nlabel = "kind"\n'
    (folder / "pics" / "table.csv").write_bytes("name,kind\nimg 00.png,M\xfcnze\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"table\.csv: is not UTF-8"):
        open_card(card('type = "csv"\npath = "pics/table.csv"', columns), folder, settings)
    (folder / "pics" / "table.jsonl").write_text('{"name": "img 00.png", "kind": "oak"}\n{"name": ', encoding="utf-8")
    with pytest.raises(DataError, match=r"table\.jsonl, line 2: not valid JSON"):
        open_card(card('type = "jsonl"\npath = "pics/table.jsonl"', columns), folder, settings)
    (folder / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"a\.parquet: is not a readable Parquet"):
        open_card(card('type = "parquet"\npath = "a.parquet"', columns), folder, settings)


def test_missing_source_names_both_places_and_the_variable(tmp_path, settings):
    with pytest.raises(DataError) as caught:
        open_card(card('type = "folder"\npath = "gone"', ""), tmp_path / "cards", settings)
    message = str(caught.value)
    assert str(tmp_path / "cards" / "gone") in message
    assert str(tmp_path / "data" / "gone") in message
    assert "WORKBENCH_DATA" in message


def test_sources_are_found_under_the_data_folder(tmp_path, folder, images, settings):
    settings.data.mkdir()
    (folder / "pics").rename(settings.data / "pics")
    write_csv(settings.data / "pics" / "metadata.csv", ROWS)
    assert_is_leaves(open_card(card('type = "folder"\npath = "pics"'), tmp_path / "cards", settings), images)


def test_hub_reads_a_local_repository_through_datasets(tmp_path, images, settings, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hf"))
    repository = tmp_path / "repo"
    (repository / "data").mkdir(parents=True)
    features = datasets.Features(
        {
            "name": datasets.Image(),
            "kind": datasets.ClassLabel(names=["oak", "Ahorn ä"]),
            "who": datasets.Value("string"),
            "says": datasets.Value("string"),
            "note": datasets.Value("string"),
        }
    )
    for split, hub_name in (("train", "train"), ("val", "validation"), ("test", "test")):
        own = [{k: v for k, v in row.items() if k != "part"} for row in ROWS if row["part"] == split]
        own = [{**row, "name": {"bytes": images[row["name"]], "path": row["name"]}} for row in own]
        datasets.Dataset.from_list(own, features=features).to_parquet(
            str(repository / "data" / f"{hub_name}-00000-of-00001.parquet")
        )
    columns = '[columns]\nimage = "name"\nlabel = "kind"\ngroup = "who"\ncaption = "says"\n'
    hub = open_card(card('type = "hub"\nid = "repo"', columns), tmp_path, settings)
    # The order of the source's own classes holds, not the alphabet's.
    assert hub.class_names == ("oak", "Ahorn ä")
    reordered = columns + '[classes]\n"Ahorn ä" = "Ahorn ä"\noak = "oak"\n'
    assert_is_leaves(open_card(card('type = "hub"\nid = "repo"', reordered), tmp_path, settings), images)
    by_code = columns + '[classes]\n1 = "maple"\n0 = "oak tree"\n'
    dataset = open_card(card('type = "hub"\nid = "repo"', by_code), tmp_path, settings)
    assert dataset.class_names == ("maple", "oak tree")
    assert {dataset.labels([row])[0] for row in range(16) if dataset.extra([row])[0]["note"] in ("n0", "n2")} == {1}
    # The same files as a Parquet source are the same dataset.
    parquet = open_card(
        card(
            'type = "parquet"\npath = {train = "repo/data/train*", val = "repo/data/val*", test = "repo/data/test*"}',
            columns,
        ),
        tmp_path,
        settings,
    )
    assert parquet.fingerprint == hub.fingerprint


def test_hub_that_cannot_be_reached_is_one_sentence(tmp_path, settings, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"Hub dataset 'nobody/nothing' could not be loaded") as caught:
        open_card(card('type = "hub"\nid = "nobody/nothing"', ""), tmp_path, settings)
    assert "\n" not in str(caught.value)


def test_ids_of_an_id_column_must_be_unique(folder, settings):
    write_csv(folder / "pics" / "table.csv", [{**row, "key": "same"} for row in ROWS])
    with pytest.raises(WorkbenchError, match=r"'key' holds 'same' more than once"):
        open_card(card('type = "csv"\npath = "pics/table.csv"', COLUMNS + 'id = "key"\n'), folder, settings)


def test_a_parquet_row_without_an_image_is_an_empty_file(tmp_path, settings, jpeg):
    pictures = [{"bytes": jpeg(i), "path": None} for i in range(5)] + [None, {"bytes": None, "path": None}]
    table = {"image": pictures, "label": ["a", "b", "a", "b", "a", "b", "a"]}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    dataset = open_card(card('type = "parquet"\npath = "a.parquet"', ""), tmp_path, settings)
    assert [dataset.read(row) for row in (5, 6)] == [b"", b""]
    with pytest.raises(UnreadableImageError, match="empty"):
        decode_image(dataset.read(5))
